"""A network namespace: a network of loopback and veth pairs that only its programs see."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS: Final = 30.0
"""How long its end may take on a busy machine."""

_NEW: Final = ("unshare", "--user", "--map-root-user", "--net")


@cache
def can_make_networks() -> bool:
    """Whether this machine allows us a network namespace with a veth pair in it."""
    pair = "ip link set lo up && ip link add port type veth peer name device"
    made = subprocess.run([*_NEW, "sh", "-c", pair], capture_output=True, check=False)
    return made.returncode == 0


class Network:
    """A network namespace; leaving the context ends it, once nobody is in it any more."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*_NEW, "sh", "-c", "ip link set lo up && echo ready && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()

    @property
    def inside(self) -> Sequence[str]:
        """What starts a program in it."""
        pid = str(self._process.pid)
        return ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--net"]

    def run(self, *words: str | Path) -> str:
        """Run a program in it; its output."""
        return subprocess.check_output([*self.inside, *words], text=True, stderr=subprocess.STDOUT)
