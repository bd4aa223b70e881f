"""The address and port on which the metrics are served."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from nexio.errors import InvalidValue, Unreachable
from nexio.server_options import port_of


class Place(NamedTuple):
    """The address and port on which the metrics are served."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read ``ADDRESS:PORT``, such as ``127.0.0.1:9812`` or ``[::1]:9812``.

        Raises:
            InvalidValue: it is not an address and a port.
        """
        host, _, port = text.rpartition(":")
        try:
            address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise InvalidValue(
                f"{text!r} is not an address and a port", "Write one like 127.0.0.1:9812."
            ) from None
        return cls(str(address), port_of(port))

    def __str__(self) -> str:
        """The text that :meth:`parse` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class MetricsPortUnusable(Unreachable):
    """We cannot listen on that address and port."""


def listen(place: Place) -> socket.socket:
    """Open the port.

    Raises:
        MetricsPortUnusable: in use, forbidden, or not an address of this machine.
    """
    opened = socket.socket(socket.AF_INET6 if ":" in place.host else socket.AF_INET)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen()
    except OSError as error:
        opened.close()
        raise MetricsPortUnusable(
            f"cannot listen on {place} for metrics: {error.strerror}",
            "Another program may have the port (see: ss -ltnp), or the address is not this"
            " machine's: choose another --metrics-listen.",
        ) from error
    return opened
