"""Run commands, then show which modules each has loaded; a test runs it as its own process.

The first one is also the beginning of each of the others, which are forks.
"""

import os
import sys

from nexio_cli.main import main


def run(command: str) -> None:
    """Run one, and show what is loaded now."""
    assert main(command.split()) == 0, command
    print("loaded:", *sys.modules, flush=True)  # noqa: T201 - the test reads it


first, *others = sys.argv[1:]
run(first)
for other in others:
    process = os.fork()
    if process == 0:
        run(other)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0, other
