"""What the command lines of the servers share: common options, and how to read ports and lists."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from nexio.configuration_file import SYSTEM_FILE, with_file
from nexio.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
TEXT: Final = "text"
JSON: Final = "json"


def metrics_listen(port: int) -> tuple[str, str, str, str]:
    """The option for a monitor; each server has its own port, as they may be on one machine."""
    meaning = f"answer a monitor (Prometheus) there at /metrics, such as 127.0.0.1:{port}"
    return "metrics-listen", "ADDRESS:PORT", "", meaning


LOG_FORMAT: Final = ("log-format", "FORMAT", TEXT, "how lines of the log look: text or json")
"""Name, metavar, default and meaning, as for each option of a server."""


class Once(argparse.Action):
    """An option that may be given once: argparse would silently use the last one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take the first value and refuse a second one."""
        given = vars(namespace).setdefault("given", set())
        if self.dest in given:
            parser.error(f"{option_string} is given more than once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def with_config(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, with the settings that only the configuration file has.

    Raises:
        As :func:`nexio.configuration_file.with_file`.
    """
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_config(reader)
    return with_file(environment, reader.parse_known_args(arguments)[0].config)


def add_config(reader: argparse.ArgumentParser) -> None:
    """Add ``--config``, which names the configuration file, and ``--check``."""
    reader.add_argument(
        "--check",
        action="store_true",
        help="only say what is wrong with the options, also those of variables and of the"
        " configuration file, and end",
    )
    reader.add_argument(
        "--config",
        action=Once,
        metavar="FILE",
        help=f"configuration file (default: {SYSTEM_FILE}, where it is there)",
    )


def words_of(text: str) -> list[str]:
    """Split a list in a variable at commas and blanks."""
    return text.replace(",", " ").split()


def port_of(text: str) -> int:
    """Read a port.

    Raises:
        InvalidValue: it is not a port.
    """
    if text.isascii() and text.isdigit() and len(text) <= len("65535") and 1 <= int(text) <= 65535:  # noqa: PLR2004
        return int(text)
    raise InvalidValue(f"{text!r} is not a port", "A port is a number from 1 to 65535.")


def log_format_of(text: str) -> str:
    """Read a log format, ``text`` or ``json``.

    Raises:
        InvalidValue: it is neither.
    """
    if text not in {TEXT, JSON}:
        raise InvalidValue(f"{text!r} is no format of a log", "Give text or json.")
    return text
