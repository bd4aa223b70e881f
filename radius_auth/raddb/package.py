"""Fills in the files for raddb that come with the software, for one machine."""

from __future__ import annotations

import shlex
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from nexio.configuration import Configuration
from nexio.configuration_file import CONFIG, with_file
from nexio.installing.manifest import digest

OURS: Final = "mods-config/nexio"
"""The folder in raddb that is ours alone; FreeRADIUS does not load it by itself."""

FOLDERS: Final = ("mods-available", "mods-config", "policy.d", "sites-available")
ENABLED: Final = {"mods-available": "mods-enabled", "sites-available": "sites-enabled"}
MODULE: Final = "mods-available/nexio"
ENVIRONMENT: Final = f"{OURS}/environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The files to install."""

    files: Mapping[str, bytes]
    """Filled in, by path below raddb."""

    package: str
    """See :func:`package_digest`."""


def packaged() -> dict[str, bytes]:
    """The files as they come with the software, by their path below raddb."""
    root = Path(str(files("nexio_raddb")))
    found = (path for top in FOLDERS for path in sorted((root / top).rglob("*")))
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in found
        if path.is_file() and path.parent.name != "__pycache__"  # pip compiles what it installs
    }


def package_digest(templates: Mapping[str, bytes]) -> str:
    """One digest of all files, which differs between versions of them."""
    return digest(b"".join(f"{path} {digest(templates[path])}\n".encode() for path in templates))


def fill_in(templates: Mapping[str, bytes], configuration: Configuration) -> Source:
    """Fill the files in for this Python and this store."""
    filled = dict(templates)
    packages = sysconfig.get_path("purelib").encode()
    filled[MODULE] = filled[MODULE].replace(b"@PACKAGES@", packages)
    filled[ENVIRONMENT] += _environment(configuration).encode()
    return Source(files=filled, package=package_digest(templates))


def _environment(configuration: Configuration) -> str:
    variables = {
        "NEXIO_HOME": str(configuration.home),
        "NEXIO_KEY_FILE": str(configuration.key_file),
    }
    if configuration.file is not None:  # which may name the store, and files of passwords
        variables[CONFIG] = str(configuration.file)
    found = Configuration.from_environment(with_file(variables))
    if configuration.nas_key_file != found.nas_key_file:
        variables["NEXIO_NAS_KEY_FILE"] = str(configuration.nas_key_file)
    if configuration.database_url != found.database_url:
        variables["NEXIO_DATABASE_URL"] = configuration.database_url
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def links_of(paths: Iterable[str]) -> dict[str, str]:
    """The links that make FreeRADIUS load the files, and their targets."""
    named = (path.split("/") for path in paths)
    return {
        f"{ENABLED[top]}/{name}": f"../{top}/{name}" for top, name, *_ in named if top in ENABLED
    }
