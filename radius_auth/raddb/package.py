"""The files for raddb that come with the software, and what is filled in."""

from __future__ import annotations

import shlex
import sysconfig
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from nexio.configuration import Configuration
from radius_auth.raddb.manifest import OURS, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

FOLDERS: Final = ("mods-available", "mods-config", "policy.d", "sites-available")
ENABLED: Final = {"mods-available": "mods-enabled", "sites-available": "sites-enabled"}
MODULE: Final = "mods-available/nexio"
ENVIRONMENT: Final = f"{OURS}/environment"
PACKAGES: Final = b"@PACKAGES@"


def packaged() -> dict[str, bytes]:
    """The files as they come with the software, by their path below raddb."""
    root = files("nexio_raddb")
    return {path: each.read_bytes() for top in FOLDERS for path, each in _below(top, root / top)}


def _below(path: str, there: Traversable) -> Iterator[tuple[str, Traversable]]:
    if there.is_file():
        yield path, there
        return
    for each in sorted(there.iterdir(), key=lambda entry: entry.name):
        if each.name != "__pycache__":  # pip compiles what it installs
            yield from _below(f"{path}/{each.name}", each)


def package_digest(templates: Mapping[str, bytes]) -> str:
    """What tells one version of the files from another."""
    return digest(b"".join(f"{path} {digest(templates[path])}\n".encode() for path in templates))


def fill_in(templates: Mapping[str, bytes], configuration: Configuration) -> dict[str, bytes]:
    """The files as they are to be installed for this Python and this store."""
    packages = sysconfig.get_path("purelib").encode()
    filled = dict(templates)
    filled[MODULE] = filled[MODULE].replace(PACKAGES, packages)
    filled[ENVIRONMENT] += _environment(configuration).encode()
    return filled


def _environment(configuration: Configuration) -> str:
    variables = {
        "NEXIO_HOME": str(configuration.home),
        "NEXIO_KEY_FILE": str(configuration.key_file),
    }
    if configuration.database_url != Configuration.from_environment(variables).database_url:
        variables["NEXIO_DATABASE_URL"] = configuration.database_url
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def links_of(paths: Mapping[str, bytes]) -> dict[str, str]:
    """The links that make FreeRADIUS load the files, and where they point."""
    named = (path.split("/") for path in paths)
    return {
        f"{ENABLED[parts[0]]}/{parts[1]}": f"../{parts[0]}/{parts[1]}"
        for parts in named
        if parts[0] in ENABLED
    }
