"""The options of ``nexio-radiusd``, on the command line or in the environment."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from datetime import timedelta
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nexio import __version__
from nexio.configuration_file import CONFIG
from nexio.errors import InvalidValue
from nexio.input.durations import parse_duration
from nexio.metrics.place import Place
from nexio.server_options import (
    LOG_FORMAT,
    TEXT,
    Once,
    add_config,
    log_format_of,
    metrics_listen,
    port_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEXT = "the auth-port + 1"
"""The default port of accounting: 1813."""

PER_CORE = "one per core"
"""The default number of workers."""

MOST_WORKERS = 64

LONGEST_REJECT_DELAY = 5.0
"""Seconds; a NAS gives up soon after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a server runs."""

    listen: tuple[str, ...]
    """Addresses to listen on; none means all of this machine."""

    auth_port: int
    """UDP port for Access-Requests."""

    acct_port: int
    """UDP port for Accounting-Requests."""

    reject_delay: float
    """Seconds that a reject waits (Must 15)."""

    max_staleness: timedelta
    """How long to go on without the store."""

    workers: int
    """How many processes answer logins."""

    metrics_listen: Place | None = None
    """Where a monitor reads metrics."""

    log_format: str = TEXT
    """``text`` or ``json``."""


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read command line and environment; the command line wins.

    Raises:
        InvalidValue: a value that cannot be used.
        SystemExit: after ``--help``, ``--version``, ``--check`` or an unknown option.
    """
    given = parser(environment).parse_args(arguments)
    listen = given.listen or words_of(environment.get(variable("listen"), ""))
    auth_port = port_of(given.auth_port)
    acct_port = _next(auth_port) if given.acct_port == NEXT else port_of(given.acct_port)
    if auth_port == acct_port:
        raise InvalidValue(
            f"port {auth_port} is given for logins and for accounting",
            "Give accounting another one, or leave --acct-port out for the next one.",
        )
    options = Options(
        listen=tuple(listen),
        auth_port=auth_port,
        acct_port=acct_port,
        reject_delay=_seconds(given.reject_delay),
        max_staleness=parse_duration(given.max_staleness),
        workers=_workers(given.workers),
        metrics_listen=Place.parse(given.metrics_listen) if given.metrics_listen else None,
        log_format=log_format_of(given.log_format),
    )
    if given.check:
        raise SystemExit(0)
    return options


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of the command line; values of the environment are its defaults."""
    reader = argparse.ArgumentParser(
        prog="nexio-radiusd",
        description="Answer Access-Requests: the PIN is the password, while its window is open.",
        epilog="Each option can be given as NEXIO_RADIUSD_… too, such as NEXIO_RADIUSD_AUTH_PORT."
        " The store is the one of the nexio command (NEXIO_HOME, NEXIO_DATABASE_URL).",
    )
    reader.add_argument("--version", action="version", version=_version())
    reader.add_argument(
        "--listen",
        action="append",
        metavar="ADDRESS",
        help="address to listen on; can be repeated, or separated by commas in the variable"
        " (default: all). 0.0.0.0 is all of IPv4, and :: all of IPv6 without IPv4: for both, give"
        " both, or leave the option out",
    )
    add_config(reader)
    for name, metavar, default, meaning in _OPTIONS:
        reader.add_argument(
            f"--{name}",
            action=Once,
            metavar=metavar,
            default=environment.get(variable(name)) or default,
            help=f"{meaning} (default: {default})" if default else meaning,
        )
    return reader


def variable(name: str) -> str:
    """The environment variable of an option."""
    if name == "config":
        return CONFIG
    return f"NEXIO_RADIUSD_{name.replace('-', '_').upper()}"


_OPTIONS = (
    ("auth-port", "PORT", "1812", "UDP port for Access-Requests"),
    ("acct-port", "PORT", NEXT, "UDP port for Accounting-Requests"),
    ("reject-delay", "SECONDS", "1.0", "how long a reject waits, against guessing: 0 to 5"),
    ("max-staleness", "DURATION", "24h", "how long to go on from memory without the store"),
    ("workers", "NUMBER", PER_CORE, "how many processes answer Access-Requests"),
    metrics_listen(9812),
    LOG_FORMAT,
)


def _next(auth_port: int) -> int:
    """The next port: 1813 goes with 1812 (RFC 2866 section 3), and likewise for other ports."""
    return port_of(str(auth_port + 1))


def _workers(text: str) -> int:
    if text == PER_CORE:
        return min(MOST_WORKERS, len(os.sched_getaffinity(0)))
    if (
        text.isascii()
        and text.isdigit()
        and len(text) <= len("64")
        and 1 <= int(text) <= MOST_WORKERS
    ):
        return int(text)
    raise InvalidValue(f"{text!r} is no number of workers", f"Give 1 to {MOST_WORKERS}.")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_REJECT_DELAY:
        raise InvalidValue(
            f"{text!r} is not a reject delay", f"Give seconds from 0 to {LONGEST_REJECT_DELAY:g}."
        )
    return seconds


def _version() -> str:
    """The version, and whether the path of a login is compiled (``setup.py``)."""
    found = find_spec("radius_auth.server.responder")  # which the parent need not load
    is_compiled = found is not None and isinstance(found.loader, ExtensionFileLoader)
    return f"nexio-radiusd {__version__}{', compiled' if is_compiled else ''}"
