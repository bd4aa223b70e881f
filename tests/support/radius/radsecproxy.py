"""Debian's radsecproxy: RADIUS within TLS (RFC 6614), between a NAS and nexio-radiusd.

Its tests fail, and never skip, if it is not installed (apt-get install radsecproxy).
"""

from __future__ import annotations

import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Self

from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

HERE = "127.0.0.1"

# As in docs/network-engineers.md; both ends show a certificate, and name their authority.
_TLS = """
tls default {{
    CACertificateFile {ca}
    CertificateFile {certificate}
    CertificateKeyFile {certificate}
}}
"""

AT_THE_SERVER = (
    _TLS
    + """
ListenTLS {here}:{tls_port}
client site {{
    type tls
    host {here}
    secret radsec
}}
server nexio {{
    type udp
    host {here}
    port {port}
    secret "{secret}"
}}
realm * {{
    server nexio
}}
"""
)

AT_THE_SITE = (
    _TLS
    + """
ListenUDP {here}:{port}
client access-points {{
    type udp
    host {here}
    secret "{secret}"
}}
server nexio {{
    type tls
    host {here}
    port {tls_port}
    secret radsec
}}
realm * {{
    server nexio
}}
"""
)


class Radsecproxy:
    """A running proxy; leaving the context ends it.

    Args:
        path: of its configuration.
        configuration: its text.
    """

    def __init__(self, path: Path, configuration: str) -> None:
        path.write_text(configuration)
        self._process = subprocess.Popen(
            ["radsecproxy", "-f", "-d", "3", "-c", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._reader.join()

    def wait_for_line(self, words: str) -> None:
        """Wait until it has written something."""
        with self._said:
            heard = self._said.wait_for(
                lambda: any(words in line for line in self._lines), PATIENCE
            )
        assert heard, f"it did not say {words!r}:\n{''.join(self._lines)}"

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._said:
                    self._lines.append(line)
                    self._said.notify_all()


def free_tcp_port() -> int:
    """A port of loopback that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
    return port
