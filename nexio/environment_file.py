"""The file that says where the store is, to the plugin inside FreeRADIUS."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nexio.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path


def read_environment(path: Path) -> dict[str, str]:
    """Read a file of ``NAME=value`` lines, as systemd's EnvironmentFile.

    Raises:
        InvalidValue: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        words = [word for line in lines for word in shlex.split(line, comments=True)]
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}") from error
    return dict(word.split("=", 1) for word in words if "=" in word)
