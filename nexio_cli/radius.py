"""``nexio radius``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from nexio.errors import Refused
from nexio_cli import options, output

if TYPE_CHECKING:
    from radius_auth.client import Answer


@click.group()
def command() -> None:
    """Ask a RADIUS server as an access point would."""


@command.command()
@click.argument("email")
@click.argument("pin")
@click.option("--server", default="127.0.0.1", show_default=True, metavar="HOST")
@click.option(
    "--port",
    default=1812,
    show_default=True,
    envvar="NEXIO_RADIUSD_AUTH_PORT",
    type=click.IntRange(1, 65535),
)
@click.option("--nas", metavar="NAME", help="Use the secret of this NAS.")
@click.option("--secret", metavar="TEXT", help="Use this secret; '-' reads it from stdin.")
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

    Without --nas or --secret it takes the secret of the NAS that stands for this machine.
    Exit code 4 means rejected, 5 no answer.
    """
    from radius_auth.client import send_access_request

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
    context.exit(0 if answer.accepted else Refused.exit_code)


def _secret(server: str, nas: str | None, secret: str | None) -> bytes:
    """The secret to ask with.

    Raises:
        InvalidValue: no secret is given and no NAS stands for this machine.
        NotFound: no such NAS.
    """
    if secret is not None:
        return secret.encode(errors="surrogateescape")
    from nexio.errors import InvalidValue
    from nexio.nas import get_nas, list_nas
    from radius_auth.nas_index import NasIndex

    with options.reading() as work:
        if nas is not None:
            return get_nas(work, nas).secret
        local = "::1" if ":" in server else "127.0.0.1"
        client = NasIndex(list_nas(work)).find(local)
    if client is None:
        raise InvalidValue(
            "no NAS stands for this machine, so there is no secret to ask with",
            f"Add one with: nexio nas add this-machine {local}",
        )
    return client.secret


def _print(answer: Answer, seconds: float, *, as_json: bool) -> None:
    from datetime import timedelta

    from nexio.durations import words_for
    from radius_auth.printable import printable

    outcome = "accept" if answer.accepted else "reject"
    if as_json:
        output.print_json(
            {
                "outcome": outcome,
                "session_timeout": answer.session_timeout,
                "reply_message": answer.reply_message,
                "elapsed_ms": round(seconds * 1000, 1),
            }
        )
        return
    if answer.accepted and answer.session_timeout is not None:
        left = words_for(timedelta(seconds=answer.session_timeout))
        output.print_headline(f"Access-Accept: on the Wi-Fi for {left}.")
    elif answer.accepted:
        output.print_headline("Access-Accept.")
    else:
        words = printable((answer.reply_message or "no reason given").encode())
        output.print_headline(f"Access-Reject: {words}")
    output.say(f"after {seconds * 1000:.0f} ms")
