"""Asks for the fork of a program and ends as it does: what ``nexio`` is in a shell of the tests.

`tests.support.cli.forking` says how it gets there.  Run as a file, with the number of the socket,
the program and its words, by an interpreter without our packages: that takes a thirtieth of the
time that the program would take to load.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def is_open(number: int) -> bool:
    """Whether the shell has not closed a stream."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def ask(number: int, words: list[str]) -> int:
    """Have a program forked with our streams, and return its exit code, as a shell says it."""
    closed = [stream for stream in range(3) if not is_open(stream)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    heard, told = os.pipe()
    start = {
        "words": words,
        "variables": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 (pathlib takes longer than all the rest)
        "terminal": False,
        "closed": closed,
    }
    with socket.socket(fileno=number) as asking:
        socket.send_fds(asking, [json.dumps(start).encode()], [0, 1, 2, told])
    os.close(told)
    os.closerange(0, 3)  # whoever reads what it writes hears of its end
    os.read(heard, 4)  # its process id
    code = int.from_bytes(os.read(heard, 4), "big", signed=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(ask(int(sys.argv[1]), sys.argv[2:]))
