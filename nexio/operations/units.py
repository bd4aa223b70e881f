"""Installs and checks the systemd units of the software, filled in for one machine."""

from __future__ import annotations

import pwd
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexio.errors import InvalidValue
from nexio.installing import plan
from nexio.installing.changes import Link, look
from nexio.installing.plan import Place, Plan, Wanted
from nexio.operations.health import Finding, unwell, well

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nexio.configuration import Configuration

FOLDER: Final = Path("/etc/systemd/system")

PACKAGED: Final = Path("/lib/systemd/system")
"""Where the Debian package puts the units; those in `FOLDER` take precedence."""

USER: Final = "nexio"
"""The user that the services run as by default."""

UNITS: Final = {
    "radiusd": ("nexio-radiusd.service",),
    "webd": ("nexio-webd.service",),
    "housekeeping": ("nexio-housekeeping.service", "nexio-housekeeping.timer"),
}
"""The files of each service; the last one is enabled."""

SECONDS: Final = 30.0
"""How long systemd may take to read a unit."""


def place(folder: Path) -> Place:
    """The folder of units; systemd loads none from our subfolder."""
    return Place(folder=folder, ours="nexio", file_mode=0o644, folder_mode=0o755)


def plan_install(
    folder: Path, services: Iterable[str], user: str, configuration: Configuration
) -> Plan:
    """Plan to install the units of these services, and to remove those of the others.

    Args:
        folder: of units.
        services: keys of `UNITS`.
        user: the user that they run as.
        configuration: says where store and key are.

    Raises:
        InvalidValue: a path cannot be written in a unit.
        Refused: somebody else's unit is in the way.
        Unreachable: the folder cannot be used.
    """
    return plan.plan_install(place(folder), Wanted(files=_filled_in(services, user, configuration)))


def _filled_in(
    services: Iterable[str], user: str, configuration: Configuration
) -> dict[str, bytes]:
    """The filled-in units of these services, by name."""
    values = {
        "@USER@": user,
        "@PROGRAMS@": str(Path(sys.executable).parent),
        "@HOME@": str(configuration.home),
        "@KEY_FILE@": str(configuration.key_file),
        "@NAS_KEY_FILE@": str(configuration.nas_key_file),
    }
    for value in values.values():
        if any(character.isspace() or character in "%\"'\\$:" for character in value):
            raise InvalidValue(f"{value!r} has a character that systemd would read otherwise")
    templates = files("nexio_systemd")
    wanted = {}
    for name in (name for service in services for name in UNITS[service]):
        text = (templates / name).read_text(encoding="utf-8")
        if not configuration.nas_key_file.exists():
            text = "".join(
                line for line in text.splitlines(keepends=True) if "@NAS_KEY_FILE@" not in line
            )
        for variable, value in values.items():
            text = text.replace(variable, value)
        wanted[name] = text.encode()
    return wanted


def plan_uninstall(folder: Path) -> Plan:
    """Plan to remove the units, and the links with which systemd starts them.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be used.
    """
    ours = place(folder).load_manifest().files
    enabled = [
        str(path.relative_to(folder))
        for path in sorted(folder.glob("*.wants/nexio-*"))
        if path.name in ours and isinstance(look(path), Link)
    ]
    return plan.plan_uninstall(place(folder), enabled)


def units_to_enable(folder: Path) -> list[str]:
    """The installed units that systemd starts by itself once they are enabled."""
    ours = place(folder).load_manifest().files
    return [names[-1] for names in UNITS.values() if names[-1] in ours]


def look_over(
    folder: Path, user: str, configuration: Configuration, packaged: Path = PACKAGED
) -> Iterator[Finding]:
    """Check the installed units, or those of the Debian package, and what they need.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be read.
    """
    ours = place(folder).load_manifest().files
    if not ours:
        yield from _look_over_package(folder, user, configuration, packaged)
        return
    services = [service for service, names in UNITS.items() if names[0] in ours]
    planned = plan_install(folder, services, user, configuration)
    stale = [change.path for change in planned.changes if change.path in ours]
    if stale:
        words = "install" if len(services) == len(UNITS) else f"install {' '.join(services)}"
        renew = f"Renew them: {_command(words, folder, user)}"
        yield unwell("units", f"not as this nexio writes them: {', '.join(stale)}", renew)
    else:
        yield well("units", ", ".join(ours))
    for path, why in planned.preserved:
        yield well("units", f"{path}: {why}")
    yield from _what_they_need(user, configuration)
    for name in ours:
        yield from _verify(folder / name)
    for name in units_to_enable(folder):
        yield _starts(folder, name)


def _look_over_package(
    folder: Path, user: str, configuration: Configuration, packaged: Path
) -> Iterator[Finding]:
    """Check the package's units.  It has all of them; only the enabled ones are meant to run."""
    wanted = _filled_in(UNITS, user, configuration)
    there = [name for name in wanted if (packaged / name).is_file()]
    install = _command("install", folder, user)
    if not there:
        yield unwell("units", f"none is installed in {folder}", install)
        return
    other = [name for name in there if (packaged / name).read_bytes() != wanted[name]]
    if other:
        wrong = f"{', '.join(other)} in {packaged} are for another store, key or user"
        yield unwell("units", wrong, f"Install others, which count before them: {install}")
    else:
        yield well("units", f"{', '.join(there)} in {packaged}")
    yield from _what_they_need(user, configuration)
    startable = [names[-1] for names in UNITS.values() if names[-1] in there]
    enabled = [name for name in startable if any(folder.glob(f"*.wants/{name}"))]
    for name in enabled or startable:
        yield _starts(folder, name)


def _starts(folder: Path, name: str) -> Finding:
    if any(folder.glob(f"*.wants/{name}")):
        return well("start", f"{name} starts with the machine")
    advice = f"systemctl enable --now {name}"
    return unwell("start", f"{name} does not start with the machine", advice)


def _command(words: str, folder: Path, user: str) -> str:
    """The ``nexio service`` command for these units, without options that have their default."""
    given = (("--units", folder, FOLDER), ("--user", user, USER))
    options = [
        f" {name} {shlex.quote(str(value))}" for name, value, usual in given if value != usual
    ]
    return f"nexio service {words}{''.join(options)}"


def _what_they_need(user: str, configuration: Configuration) -> Iterator[Finding]:
    programs = Path(sys.executable).parent
    if programs.is_relative_to("/home") or programs.is_relative_to("/root"):
        advice = "The services see nothing of /home and /root: install nexio into /opt/nexio."
        yield unwell("programs", f"they are in {programs}", advice)
    else:
        yield well("programs", str(programs))
    try:
        owner = pwd.getpwnam(user).pw_uid
    except KeyError:
        advice = f"useradd --system --user-group --home-dir {configuration.home} {user}"
        yield unwell("user", f"there is no user {user}", advice)
        return
    home = configuration.home
    if not home.is_dir():
        advice = f"install -d -o {user} -g $(id -gn {user}) -m 2770 {home}, then: nexio init"
        yield unwell("store", f"there is no folder {home}", advice)
    elif home.stat().st_uid != owner:
        yield unwell("store", f"{home} is not {user}'s", f"chown -R {user}: {home}")
    else:
        yield well("store", str(home))


def _verify(unit: Path) -> Iterator[Finding]:
    """Let systemd check a unit."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    try:
        ran = subprocess.run(  # noqa: S603 - systemd's own, on our own file
            [program, "verify", str(unit)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return
    # It also reports on units that ours only refer to.
    wrong = [line for line in ran.stderr.splitlines() if unit.name in line]
    if ran.returncode == 0 or not wrong:
        yield well("systemd", f"takes {unit.name}")
    else:
        yield unwell("systemd", wrong[0], "Mend the unit, or install it again.")
