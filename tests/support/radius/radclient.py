"""Debian's radclient, an independent NAS.

Its tests fail, and never skip, if it is not installed (apt-get install freeradius-utils).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable

RADCLIENT = ("radclient", "-D", Path(__file__).with_name("radclient_dictionary"))
_RECEIVED = re.compile(r"Received (\S+) Id \d+ from (\S+):\d+ to ")
_ATTRIBUTE = re.compile(r"\t([A-Z]\S+) = (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a login."""

    code: str
    """``Access-Accept``, ``Access-Reject``, or ``silence``."""

    source: str
    """Its source address."""

    attributes: dict[str, str]

    @property
    def words(self) -> str | None:
        """Reply-Message."""
        return self.attributes.get("Reply-Message")

    @property
    def session_timeout(self) -> int:
        """Session-Timeout, which must be there."""
        return int(self.attributes["Session-Timeout"])


def radclient(
    port: int,
    user_name: str,
    password: str,
    *,
    host: str = "127.0.0.1",
    tries: int = 5,
    timeout: int = 3,
    method: str = "User-Password",
    secret: bytes = SECRET,
    **attributes: str,
) -> Reply:
    """Log in.

    Args:
        port: of the server.
        user_name: what the guest types as e-mail.
        password: the PIN.
        host: an address of the server.
        tries: transmissions of the same request.
        timeout: seconds after each, whole ones: within the last radclient computes all the while.
        method: ``User-Password`` or ``CHAP-Password``.
        secret: shared with the server, or with the proxy before it.
        attributes: further ones, with ``_`` for ``-`` in their names.
    """
    # radclient 3.2.1 signs a request only if it is told to.
    lines = [f'User-Name = "{user_name}"', f'{method} = "{password}"', "Message-Authenticator = 0"]
    lines += [f"{name.replace('_', '-')} = {value}" for name, value in attributes.items()]
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    done = subprocess.run(
        [*RADCLIENT, "-x", "-r", str(tries), "-t", str(timeout), target, "auth", secret.decode()],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    return _read(done.stdout, done.stderr)


def account(port: int, status: str, *attributes: str, tries: int = 1, timeout: int = 3) -> str:
    """Let radclient send an Accounting-Request; return its output."""
    target = f"127.0.0.1:{port}"
    lines = [f"Acct-Status-Type = {status}", 'Acct-Session-Id = "81"', 'NAS-Identifier = "lobby"']
    done = subprocess.run(
        [*RADCLIENT, "-x", "-r", str(tries), "-t", str(timeout), target, "acct", SECRET],
        input="\n".join([*lines, *attributes]),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _read(output: str, errors: str) -> Reply:
    received = _RECEIVED.search(output)
    if received is None:
        assert "No reply from server" in output + errors, output + errors
        return Reply(code="silence", source="", attributes={})
    found = _ATTRIBUTE.findall(output[received.end() :])
    attributes = {name: value.strip('"') for name, value in found}
    return Reply(code=received[1], source=received[2].strip("[]"), attributes=attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The outcome of many logins."""

    accepted: int
    rejected: int
    lost: int


class ManyLogins:
    """Many different logins of one NAS in the background, as fast as the server answers.

    Args:
        port: of the server.
        logins: User-Name, attribute of the method, password.
        folder: holds the list that radclient reads.
        source: the NAS's address.
        at_once: how many may wait for an answer at a time.
        tries: transmissions of each.
        timeout: seconds after each.
    """

    def __init__(
        self,
        port: int,
        logins: Iterable[tuple[str, str, str]],
        folder: Path,
        *,
        source: str = "127.0.0.1",
        at_once: int = 100,
        tries: int = 10,
        timeout: int = 3,
    ) -> None:
        asked = folder / f"logins-{source}"
        asked.write_text(
            "\n\n".join(
                f'User-Name = "{user_name}"\n{method} = "{password}"\nMessage-Authenticator = 0\n'
                f"Packet-Src-IP-Address = {source}"
                for user_name, method, password in logins
            )
        )
        self._process = subprocess.Popen(
            [*RADCLIENT, "-q", "-s", "-f", asked, "-p", str(at_once), "-r", str(tries),
             "-t", str(timeout), f"127.0.0.1:{port}", "auth", SECRET],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def finish(self) -> Summary:
        """Wait until all are answered or given up."""
        output, _ = self._process.communicate()
        counted = {
            name: int(count)
            for name, count in re.findall(r"(Accepted|Rejected|Lost)\s*: (\d+)", output)
        }
        assert set(counted) == {"Accepted", "Rejected", "Lost"}, output
        return Summary(
            accepted=counted["Accepted"], rejected=counted["Rejected"], lost=counted["Lost"]
        )
