"""Debian's eapol_test, which logs in as a guest's phone does: through an EAP tunnel."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.radius.freeradius import FreeRADIUS

METHODS: Final = {
    "TTLS-PAP": ("TTLS", "auth=PAP"),
    "TTLS-MSCHAPv2": ("TTLS", "auth=MSCHAPV2"),
    "PEAP-MSCHAPv2": ("PEAP", "auth=MSCHAPV2"),
    "PEAP-GTC": ("PEAP", "auth=GTC"),
}

FURTHER_METHODS: Final = {
    "TTLS-CHAP": ("TTLS", "auth=CHAP"),
    "TTLS-MSCHAP": ("TTLS", "auth=MSCHAP"),
    "TTLS-EAP-MSCHAPv2": ("TTLS", "autheap=MSCHAPV2"),
    "TTLS-EAP-GTC": ("TTLS", "autheap=GTC"),
}
"""Served, too, but rare on devices."""

REFUSED_METHODS: Final = {
    "TTLS-EAP-MD5": ("TTLS", "autheap=MD5"),
    "PEAP-MD5": ("PEAP", "auth=MD5"),
}

_CODES: Final = {"2": "Access-Accept", "3": "Access-Reject"}
_RECEIVED: Final = re.compile(r"RADIUS message: code=(\d+) .*\n((?: {3}.*\n)*)")
_ATTRIBUTE: Final = re.compile(r" {3}Attribute \d+ \((\S+)\) length=\d+\n {6}Value: (.*)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A device that logs in with one method."""

    method: str
    folder: Path
    device: str = "02:00:00:00:00:01"
    outside: str = "anonymous@example.com"
    """The name outside the tunnel."""

    attributes: Mapping[Any, bytes] = field(default_factory=dict)
    """Further attributes of the access point."""

    seconds: float = 8.0

    def log_in(self, server: FreeRADIUS, user_name: str, password: str) -> Reply:
        """The last answer: an accept, a reject or ``silence``."""
        outer, inner = (METHODS | FURTHER_METHODS | REFUSED_METHODS)[self.method]
        settings = {
            "key_mgmt": "IEEE8021X",
            "eap": outer,
            "identity": _octets(user_name),
            "anonymous_identity": _octets(self.outside),
            "password": f'"{password}"',
            "phase2": f'"{inner}"',
            "ca_cert": f'"{server.ca_file}"',
        }
        network = self.folder / "network.conf"
        lines = "".join(f"  {name}={value}\n" for name, value in settings.items())
        network.write_text(f"network={{\n{lines}}}\n")
        said = [f"-N{kind}:x:{octets.hex()}" for kind, octets in self.attributes.items()]
        done = subprocess.run(
            ["eapol_test", "-c", network, "-a", "127.0.0.1", "-p", str(server.port),
             "-s", SECRET, "-t", str(int(self.seconds)), "-M", self.device, *said],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )  # fmt: skip
        return _last_reply(done.stdout)


def _octets(text: str) -> str:
    """As hexadecimal digits; what was no UTF-8 comes out as it was (PEP 383)."""
    return text.encode(errors="surrogateescape").hex()


def _last_reply(output: str) -> Reply:
    code, lines = _RECEIVED.findall(output)[-1]
    if code not in _CODES:  # the last word is the phone's
        return Reply(code="silence", source="", attributes={})
    return Reply(code=_CODES[code], source="127.0.0.1", attributes=dict(_ATTRIBUTE.findall(lines)))
