"""Show all help, then the loaded modules; a test runs it as its own process."""

import sys

from nexio_cli.main import main
from tests.support.cli.commands import every_command

for words, _ in every_command():
    assert main([*words, "--help"]) == 0, words
    assert main([*words, "-h"]) == 0, words
heavy = {"sqlalchemy", "alembic", "cryptography", "psycopg", "pyrad", "rich", "qrcode"}
print("loaded:", sorted(heavy & set(sys.modules)))  # noqa: T201 - the test reads it
