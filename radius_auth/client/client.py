"""Sends a RADIUS server requests as a NAS would; ``nexio radius test`` uses it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from nexio.errors import InvalidValue, Unreachable
from radius_auth.protocol.packet import Attribute, Code, Malformed, Packet
from radius_auth.protocol.pyrad_codec import Peer, ask, ask_status


class NoAnswer(Unreachable):
    """The RADIUS server sent no reply, or none that verifies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReply:
    """The reply to an Access-Request or Status-Server."""

    accepted: bool
    session_timeout: int | None
    """Seconds."""

    reply_message: str | None
    class_: bytes | None


def send_access_request(  # noqa: PLR0913 - what a NAS must be told to log somebody in
    server: str,
    port: int,
    secret: bytes,
    user_name: str,
    password: str,
    *,
    timeout: float,
    retries: int,
    attributes: Mapping[str, str | int] = MappingProxyType({}),
) -> AccessReply:
    """Log in with PAP and return the server's answer.

    Args:
        server: a host name or an address; an IPv6 address with or without brackets.  Where a
            name has several addresses, each is asked in turn, IPv4 first.
        port: the authentication port.
        secret: the secret that the server shares with this machine.
        user_name: the e-mail as the guest types it.
        password: the PIN, sent as User-Password.
        timeout: seconds to wait after each transmission.
        retries: how many times the request is sent again when no answer comes.
        attributes: further attributes by name; named values (``Call-Check``) are understood.

    Raises:
        NoAnswer: nothing came back that verifies, or there is no such host.
        InvalidValue: a value does not fit into the request.
    """
    peer = Peer(address="", port=port, secret=secret, timeout=timeout, transmissions=1 + retries)
    return _read(_ask_in_turn(server, peer, lambda to: ask(to, user_name, password, attributes)))


def send_status_server(server: str, port: int, secret: bytes, *, timeout: float) -> str:
    """Ask a server whether it is alive (RFC 5997).

    Args:
        server: a host name or an address.
        port: the authentication port.
        secret: the secret that the server shares with this machine.
        timeout: seconds to wait.

    Returns:
        The text of its reply, which may be empty.

    Raises:
        NoAnswer: nothing came back that verifies, or there is no such host.
    """
    peer = Peer(address="", port=port, secret=secret, timeout=timeout, transmissions=1)
    return _read(_ask_in_turn(server, peer, ask_status)).reply_message or ""


def _ask_in_turn(server: str, peer: Peer, ask_one: Callable[[Peer], Packet]) -> Packet:
    """Ask each address of a server until one answers."""
    name = server.removeprefix("[").removesuffix("]")
    failure: Exception | None = None
    for address in _find_addresses(name, peer.port):
        try:
            return ask_one(replace(peer, address=address))
        except ValueError as error:
            raise InvalidValue(str(error)) from error
        except (OSError, Malformed) as error:
            failure = error
    raise _no_answer(f"{server} port {peer.port}", failure) from failure


def _find_addresses(server: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise NoAnswer(
            f"{server} is not a host that can be found.", "Check the name of the server."
        ) from error
    found.sort(key=lambda entry: entry[0] == socket.AF_INET6)
    return [str(address[0]) for *_, address in found]


def _no_answer(server: str, failure: Exception | None) -> NoAnswer:
    if isinstance(failure, TimeoutError):
        return NoAnswer(
            f"No answer from {server}.",
            "See whether a server runs and listens on that port. A RADIUS server is also silent "
            "where it does not know the sender's address, or the secret differs.",
        )
    if isinstance(failure, Malformed):
        return NoAnswer(f"{server} sent a reply that is not RADIUS: {failure.reason}.")
    return NoAnswer(
        f"{server} cannot be reached: {failure}.", "Check the address, the port and the route."
    )


def _read(reply: Packet) -> AccessReply:
    timeouts = reply.values(Attribute.SESSION_TIMEOUT)
    # RFC 2865 section 5.18: several Reply-Messages are shown in their order.
    words = b"\n".join(reply.values(Attribute.REPLY_MESSAGE))
    classes = reply.values(Attribute.CLASS)
    return AccessReply(
        accepted=reply.code == Code.ACCESS_ACCEPT,
        session_timeout=int.from_bytes(timeouts[0]) if timeouts else None,
        reply_message=words.decode(errors="replace") or None,
        class_=classes[0] if classes else None,
    )
