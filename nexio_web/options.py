"""The options of ``nexio-webd``, from the command line or the environment."""

from __future__ import annotations

import argparse
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexio import __version__
from nexio.configuration_file import CONFIG
from nexio.errors import InvalidValue
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

    from nexio_web.proxies import Network

LISTEN = "127.0.0.1"
"""Only this machine: by default, a proxy is in front."""

PORT = "8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the server runs."""

    listen: str
    """The address to listen on."""

    port: int
    """TCP port."""

    tls_cert: Path | None = None
    """The certificate with its chain, PEM; None means HTTP without TLS."""

    tls_key: Path | None = None
    """Its private key, PEM."""

    proxies: tuple[Network, ...] = ()
    """Proxies whose forwarded headers are trusted; only they and this machine are answered."""

    metrics_listen: Place | None = None
    """Where the metrics are served."""

    log_format: str = TEXT
    """``text`` or ``json``."""

    pair_with: str | None = None
    """The location to pair each browser with that opens the tablet's page; for trying it out."""


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read command line and environment; the command line takes precedence.

    Raises:
        InvalidValue: a value that cannot be used, or values that contradict each other.
        SystemExit: after ``--help``, ``--version``, ``--check`` or an unknown option.
    """
    given = parser(environment).parse_args(arguments)
    proxies = given.proxy or words_of(environment.get(variable("proxy"), ""))
    options = Options(
        listen=_address(given.listen),
        port=port_of(given.port),
        tls_cert=Path(given.tls_cert) if given.tls_cert else None,
        tls_key=Path(given.tls_key) if given.tls_key else None,
        proxies=tuple(map(_network, proxies)),
        metrics_listen=Place.parse(given.metrics_listen) if given.metrics_listen else None,
        log_format=log_format_of(given.log_format),
        pair_with=given.insecure_pair or None,
    )
    _require_whole(options)
    insecure = given.insecure_http or environment.get(variable("insecure-http")) == "1"
    if not (insecure or options.tls_cert or options.proxies or is_this_machine(options.listen)):
        raise InvalidValue(
            f"PINs would go to {options.listen} in clear",
            "Give --tls-cert and --tls-key, name the --proxy that has TLS, or insist with"
            " --insecure-http.",
        )
    if given.check:
        raise SystemExit(0)
    return options


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of the command line; values from the environment are its defaults."""
    reader = argparse.ArgumentParser(
        prog="nexio-webd",
        description="Serve the pages: the tablet at the door, where people check in and out.",
        epilog="Each option can be given as NEXIO_WEBD_… too, such as NEXIO_WEBD_PORT."
        " The store is the one of the nexio command (NEXIO_HOME, NEXIO_DATABASE_URL).",
    )
    reader.add_argument("--version", action="version", version=f"nexio-webd {__version__}")
    add_config(reader)
    for name, metavar, default, meaning in _OPTIONS:
        reader.add_argument(
            f"--{name}",
            action=Once,
            metavar=metavar,
            default=environment.get(variable(name)) or default,
            help=f"{meaning} (default: {default})" if default else meaning,
        )
    reader.add_argument(
        "--proxy",
        action="append",
        metavar="ADDRESS",
        help="address or network of a proxy whose X-Forwarded-For and X-Forwarded-Proto are"
        " believed; can be repeated, or separated by commas in the variable. Then nobody else"
        " is answered, but for this machine",
    )
    reader.add_argument(
        "--insecure-http",
        action="store_true",
        help="listen beyond this machine without TLS and without a proxy: PINs go in clear. In"
        " the environment: NEXIO_WEBD_INSECURE_HTTP=1",
    )
    return reader


def variable(name: str) -> str:
    """The environment variable of an option."""
    if name == "config":
        return CONFIG
    return f"NEXIO_WEBD_{name.replace('-', '_').upper()}"


def is_this_machine(address: str) -> bool:
    """Whether only this machine can reach an address."""
    return ipaddress.ip_address(address).is_loopback


_OPTIONS = (
    ("listen", "ADDRESS", LISTEN, "address to listen on; 0.0.0.0 is all of IPv4, :: all of IPv6"),
    ("port", "PORT", PORT, "TCP port"),
    ("tls-cert", "FILE", "", "certificate with its chain, PEM; read again at SIGHUP"),
    ("tls-key", "FILE", "", "private key of the certificate, PEM; read again at SIGHUP"),
    metrics_listen(9814),
    LOG_FORMAT,
    (
        "insecure-pair",
        "LOCATION",
        "",
        "pair each browser with that location that opens /kiosk; for trying, on this machine only",
    ),
)


def _require_whole(options: Options) -> None:
    if options.pair_with and (options.proxies or not is_this_machine(options.listen)):
        raise InvalidValue(
            "everybody who opens the page would be paired",
            "Use --insecure-pair on this machine only, to try the tablet.",
        )
    if (options.tls_cert is None) != (options.tls_key is None):
        raise InvalidValue("a certificate needs its key", "Give both --tls-cert and --tls-key.")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidValue(
            f"{text!r} is not an address", "Write one like 192.0.2.1 or 2001:db8::1."
        ) from None


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InvalidValue(
            f"{text!r} is not an address or a network",
            "Write one like 192.0.2.1 or 192.0.2.0/24.",
        ) from None
