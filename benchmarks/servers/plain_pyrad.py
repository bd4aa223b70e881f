"""A RADIUS server as pyrad's documentation shows one: PINs in a dictionary, nothing recorded.

plain_pyrad.py PORT PINS DICTIONARY
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from pyrad.dictionary import Dictionary
from pyrad.packet import AccessReject
from pyrad.server import RemoteHost, Server

from benchmarks.packets import SECRET, SOCKETS


class Plain(Server):
    """Accepts the right PIN of a visitor."""

    pins: dict[str, str]

    def HandleAuthPacket(self: Any, pkt: Any) -> None:  # noqa: N802 - pyrad's name
        """Compare what was typed, and answer."""
        pin = self.pins.get(pkt["User-Name"][0].decode())
        if pin is not None and "CHAP-Password" in pkt:
            is_right = pkt.VerifyChapPasswd(pin)
        else:
            is_right = pin is not None and pkt.PwDecrypt(pkt["User-Password"][0]) == pin
        reply = self.CreateReplyPacket(pkt)
        if not is_right:
            reply.code = AccessReject
        self.SendReplyPacket(pkt.fd, reply)


def main() -> None:
    """Answer until the process is ended."""
    port, pins, dictionary = sys.argv[1:]
    logging.disable()
    host = RemoteHost("127.0.0.0", SECRET, "access points")
    plain: Any = Plain  # pyrad has no annotations
    server = plain(
        addresses=["127.0.0.1"],
        authport=int(port),
        acct_enabled=False,
        hosts={f"127.0.0.{number}": host for number in range(1, SOCKETS + 1)},
        dict=Dictionary(dictionary),
        enforce_ma=True,
    )
    lines = Path(pins).read_text().splitlines()
    server.pins = dict(line.split("\t") for line in lines)
    server.Run()


main()
