"""A line for UDP on which the first answer is lost: a program, to be run in a network of tests.

Its arguments: the port that it listens at, and the address and port that it leads to.
"""

from __future__ import annotations

import select
import socket
import sys


def main(listens_at: int, address: str, port: int) -> None:
    """Pass datagrams on, and all answers but the first one back."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", listens_at))
        far.bind(("127.0.0.1", 0))
        asker, lost = None, 0
        while True:
            for each in select.select([near, far], [], [])[0]:
                octets, source = each.recvfrom(4096)
                if each is near:
                    asker = source
                    far.sendto(octets, (address, port))
                elif lost == 0:
                    lost += 1
                    sys.stdout.write("an answer is lost\n")
                    sys.stdout.flush()
                elif asker is not None:
                    near.sendto(octets, asker)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
