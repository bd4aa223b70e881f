"""Run a command, then show which modules it has loaded; a test runs it as its own process."""

import sys

from nexio_cli.main import main

assert main(sys.argv[1:]) == 0
print("loaded:", *sys.modules)  # noqa: T201 - the test reads it
