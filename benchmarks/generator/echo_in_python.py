"""Sends each datagram back: what a UDP server in Python costs that does nothing else.

echo_in_python.py PORT
"""

from __future__ import annotations

import socket
import sys


def main() -> None:
    """Answer until the process is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", int(sys.argv[1])))
        while True:
            octets, source = echo.recvfrom(4096)
            echo.sendto(octets, source)


main()
