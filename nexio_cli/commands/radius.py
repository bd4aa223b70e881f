"""``nexio radius``."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

import click

from nexio.errors import InvalidValue, Refused, Unreachable
from nexio.input.durations import words_for
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexio_cli.terminal.json_types import AnswerJson, StatusJson
    from radius_auth.client.client import AccessReply
    from radius_auth.protocol.statistics import Counts
    from radius_auth.protocol.status import Status

FROM_DISK: Final = "; it was away at the start, and this is the table of the disk"


@click.group(cls=once.Group)
def command() -> None:
    """Ask a RADIUS server as an access point would."""


_server = click.option(
    "--server",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Name or address of the server.",
)
_port = click.option(
    "--port",
    default=options.setting("NEXIO_RADIUSD_AUTH_PORT", "1812"),
    show_default="1812",
    type=click.IntRange(1, 65535),
    help="UDP port of the server.",
)
_nas = click.option("--nas", metavar="NAME", help="Use the secret of this NAS.")
_typed_secret = click.option(
    "--secret",
    metavar="TEXT",
    help="Use this secret; '-' reads it from stdin. The store is not needed then.",
)


@command.command()
@click.argument("email")
@click.argument("pin")
@_server
@_port
@_nas
@_typed_secret
@click.option("--device", metavar="MAC", help="Send this Calling-Station-Id.")
@click.option("--ssid", metavar="SSID", help="Send a Called-Station-Id with this SSID.")
@options.as_json
@click.pass_context
def test(
    context: click.Context,
    email: str,
    pin: str,
    server: str,
    port: int,
    nas: str | None,
    secret: str | None,
    device: str | None,
    ssid: str | None,
    *,
    as_json: bool,
) -> None:
    """Log in as a guest would: PAP, with Message-Authenticator. PIN '-' reads it from stdin.

    Without --nas or --secret it takes the secret of the NAS that stands for this machine
    (127.0.0.1, or ::1 for an IPv6 server). --nas chooses the secret only: the server sees the
    address of this machine.

    It waits 3 seconds for an answer, and asks twice. The login appears in 'nexio log', from the
    NAS-Identifier nexio-radius-test. Exit code 4 means rejected, 5 no answer.
    """
    from radius_auth.client.client import send_access_request

    pin = options.typed_or_read(pin) or ""
    attributes = {"NAS-Identifier": "nexio-radius-test"}
    if device is not None:
        attributes["Calling-Station-Id"] = device
    if ssid is not None:
        attributes["Called-Station-Id"] = f"00-00-00-00-00-00:{ssid}"
    shared = _secret(server, nas, options.typed_or_read(secret))
    began = time.monotonic()
    answer = send_access_request(
        server, port, shared, email, pin, timeout=3.0, retries=1, attributes=attributes
    )
    _print(answer, time.monotonic() - began, as_json=as_json)
    if not (answer.accepted or as_json):
        output.say(f"See why: nexio explain {shlex.quote(email)}, or nexio log")
    context.exit(0 if answer.accepted else Refused.exit_code)


@command.command()
@_server
@_port
@_nas
@_typed_secret
@options.as_json
def status(server: str, port: int, nas: str | None, secret: str | None, *, as_json: bool) -> None:
    """Ask a nexio-radiusd for its status, with a Status-Server (RFC 5997).

    Without --nas or --secret it takes the secret of the NAS that stands for this machine. The
    server tells only its own machine what it has done since its start. Exit code 5 means no
    answer, or another RADIUS server.

    "no answer" counts discarded requests, "lost" those that the kernel dropped. "recording"
    says whether the spool can be used, and how many decisions are missing in the log.
    """
    from radius_auth.client.client import send_status_server
    from radius_auth.protocol.printable import printable
    from radius_auth.protocol.status import parse_status

    shared = _secret(server, nas, options.typed_or_read(secret))
    words = send_status_server(server, port, shared, timeout=3.0)
    found = parse_status(words)
    if found is None:
        raise Unreachable(
            f"Another RADIUS server answers at {server} port {port}: {printable(words.encode())}",
            "Give the address and port of a nexio-radiusd with --server and --port.",
        )
    _print_status(found, as_json=as_json)


def _print_status(status: Status, *, as_json: bool) -> None:
    from radius_auth.protocol.statistics import Counts

    shape = asdict(status)
    counts = shape.pop("counts") or dict.fromkeys(asdict(Counts()))
    up = words_for(timedelta(seconds=status.up_seconds))
    behind = words_for(timedelta(seconds=status.followed_seconds))
    from_disk = status.counts is not None and status.counts.from_disk
    fields = [
        ("store", f"followed {behind} ago{FROM_DISK if from_disk else ''}"),
        ("visits known", str(status.visits)),
        *(_fields(status.counts) if status.counts else ()),
    ]
    headline = f"nexio-radiusd {status.version} has answered for {up}."
    output.print_answer(cast("StatusJson", shape | counts), headline, fields, as_json=as_json)
    if status.counts is None and not as_json:
        output.say("It says what it has done on its own machine only (127.0.0.1 or ::1).")


def _fields(counts: Counts) -> list[tuple[str, str]]:
    return [
        ("accepts", str(sum(counts.accepts.values()))),
        ("rejects", _by_reason(counts.rejects)),
        ("repeats", f"{counts.repeats} answered as before"),
        ("no answer", _by_reason(counts.discards)),
        ("waiting rejects", str(counts.waiting)),
        ("lost", f"{counts.lost} before they could be taken"),
        ("recording", _recording(counts)),
        ("time to decide", _time_to_decide(counts)),
    ]


def _time_to_decide(counts: Counts) -> str:
    if not counts.slowest_us:
        return "nothing was decided yet"
    return f"{counts.mean_us} us on average, {counts.slowest_us} us at most"


def _recording(counts: Counts) -> str:
    """Whether all decisions get into the log."""
    missing = f"{counts.unrecorded} decisions are missing in the log"
    return f"without a spool, {missing}" if counts.without_spool else missing


def _by_reason(counts: Mapping[str, int]) -> str:
    """Such as "3: 2 wrong PIN, 1 unknown user", the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    reasons = ", ".join(f"{count} {reason}" for reason, count in ordered)
    return f"{sum(counts.values())}: {reasons}" if reasons else "0"


def _secret(server: str, nas: str | None, secret: str | None) -> bytes:
    """The secret to ask with.

    Raises:
        InvalidValue: no secret is given and no NAS stands for this machine.
        NotFound: no such NAS.
        Unreachable: its secret cannot be read, as the store is away or the key.
    """
    if secret is not None:
        return secret.encode(errors="surrogateescape")
    try:
        return _known_secret(server, nas)
    except Unreachable as error:
        error.advice += " Without the store: give the secret of a NAS with --secret."
        raise


def _known_secret(server: str, nas: str | None) -> bytes:
    from nexio.network.nas import get_nas, list_nas
    from radius_auth.replica.nas_index import NasIndex

    with options.reading() as work:
        if nas is not None:
            return get_nas(work, nas).known_secret
        local = "::1" if ":" in server else "127.0.0.1"
        client = NasIndex(list_nas(work)).find(local)
    if client is None:
        raise InvalidValue(
            "no NAS stands for this machine, so there is no secret to ask with",
            f"Add one with: nexio nas add this-machine {local}",
        )
    return client.entries[0].known_secret


def _print(answer: AccessReply, seconds: float, *, as_json: bool) -> None:
    from radius_auth.protocol.printable import printable

    if not answer.accepted:
        words = f"Access-Reject: {printable((answer.reply_message or 'no reason given').encode())}"
    elif answer.session_timeout is None:
        words = "Access-Accept."
    else:
        left = words_for(timedelta(seconds=answer.session_timeout))
        words = f"Access-Accept: on the Wi-Fi for {left}."
    shape: AnswerJson = {
        "outcome": "accept" if answer.accepted else "reject",
        "session_timeout": answer.session_timeout,
        "reply_message": answer.reply_message,
        "elapsed_ms": round(seconds * 1000, 1),
    }
    output.print_answer(shape, words, as_json=as_json)
    if not as_json:
        output.say(f"after {seconds * 1000:.0f} ms")
