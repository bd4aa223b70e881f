"""Checks whether FreeRADIUS's user can use our packages, the key, the store and the spool."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nexio.configuration import Configuration, read_environment
from nexio.errors import NexioError
from nexio.keys.ownership import load_trusted_keys
from nexio.network.accounting_records import AccountingBatch
from nexio.network.events import AuthEvent
from nexio.operations.health import Finding, trouble, unwell, well
from nexio.store.engine import Store
from radius_auth.raddb.folder import PLACES, find_setting, read_lines
from radius_auth.raddb.package import ENVIRONMENT, MODULE
from radius_auth.raddb.program import SECONDS
from radius_auth.recording.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNITS: Final = tuple(
    Path(folder) / f"{name}.service"
    for folder in ("/etc/systemd/system", "/lib/systemd/system")
    for name in ("freeradius", "radiusd")
)
USER: Final = "freerad"

# As in nexio_plugin.py: our packages, without the system's, which -S excludes.
_CHILD: Final = """\
import site, sys
site.addsitedir(sys.argv[1])
from radius_auth.raddb.rights import print_findings
print_findings(sys.argv[2], spool=sys.argv[3] == "spool")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The user that FreeRADIUS runs as."""

    name: str
    number: int
    groups: tuple[int, ...]
    """The first one is its own."""


def server_user(folder: Path) -> str:
    """The name of the user that FreeRADIUS runs as."""
    named = find_setting(folder, "user", "security") or find_setting(folder, "user")
    if named is None and folder in PLACES:  # another raddb is run by hand
        lines = [line for unit in UNITS if unit.is_file() for line in read_lines(unit)]
        named = next((line.value for line in lines if line.name == "User"), USER)
    return named or pwd.getpwuid(os.geteuid()).pw_name


def examine_rights(folder: Path, python: str | None) -> Iterator[Finding]:
    """Try what the plugin will do, as the user that FreeRADIUS runs as.

    Args:
        folder: raddb.
        python: version of the Python in FreeRADIUS, as ``3.11``.
    """
    name = server_user(folder)
    try:
        user = _find_user(name, find_setting(folder, "group", "security"))
    except KeyError:
        yield unwell("user", f"there is no user or group {name}", "Mend radiusd.conf: user, group")
        return
    if not _can_be(user):
        yield well("user", f"what follows was tried as you; only root can try it as {name}")
    for finding in _try_as(folder, user, _interpreter(python)):
        yield finding if finding.well else _with_group(finding, user, folder)


def _try_as(folder: Path, user: User, python: str) -> list[Finding]:
    """The findings of a child that loads our packages as the plugin does."""
    lines = read_lines(folder / MODULE)
    packages = next((line.value or "" for line in lines if line.name == "packages"), "")
    spool = "spool" if _can_be(user) else "-"
    try:
        ran = _run_as(user, [python, packages, str(folder / ENVIRONMENT), spool])
        found = [Finding(**each) for each in json.loads(ran.stdout)]
    except PermissionError:
        wrong = f"{python} cannot be run by {user.name}, so nothing was tried"
        advice = "Install the Python of your distribution, which anybody can run."
        return [unwell("packages", wrong, advice)]
    except (OSError, ValueError, subprocess.TimeoutExpired):
        advice = "Open its folders to that user: /opt/nexio is a good place, /root is none."
        return [unwell("packages", f"{packages} cannot be loaded by {user.name}", advice)]
    return [well("packages", packages), *found]


def _run_as(user: User, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a Python, as that user if we are root."""
    other: dict[str, Any] = {}
    if _is_root():
        other = {"user": user.number, "group": user.groups[0], "extra_groups": user.groups}
    python, *arguments = words
    return subprocess.run(  # noqa: S603 - ours, on our own packages
        [python, "-I", "-S", "-B", "-c", _CHILD, *arguments],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **other,
    )


def _interpreter(version: str | None) -> str:
    """The Python most like the one in FreeRADIUS, from a folder that others can read."""
    found = version and shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")
    return found or str(Path(sys.executable).resolve())


def _find_user(name: str, group: str | None) -> User:
    entry = pwd.getpwnam(name)
    own = entry.pw_gid if group is None else grp.getgrnam(group).gr_gid
    others = [each for each in os.getgrouplist(name, own) if each != own]
    return User(name=name, number=entry.pw_uid, groups=(own, *others))


def _with_group(finding: Finding, user: User, folder: Path) -> Finding:
    """The finding, with advice where the user is not in the right group."""
    if finding.subject not in {"key", "store", "spool"}:
        return finding
    try:
        configuration = Configuration.from_environment(read_environment(folder / ENVIRONMENT))
        path = {"key": configuration.key_file}.get(finding.subject, configuration.home)
        status = path.stat()
        group = grp.getgrgid(status.st_gid).gr_name
    except (KeyError, NexioError, OSError):
        return finding
    if status.st_uid == user.number or status.st_gid in user.groups:
        return finding
    if status.st_gid:
        advice = f"Let {user.name} in: usermod -aG {group} {user.name}. Then restart FreeRADIUS."
    else:
        advice = f"Give {path} to a group (chgrp, chmod), and put {user.name} into it."
    return replace(finding, advice=advice)


def _can_be(user: User) -> bool:
    return _is_root() or user.number == os.geteuid()


def _is_root() -> bool:
    return os.geteuid() == 0


def print_findings(environment: str, *, spool: bool) -> None:
    """Try what the plugin uses, and print the findings as JSON: the child does this.

    Args:
        environment: the file with the address of the store.
        spool: whether to make the spool, too: its maker becomes its owner.
    """
    print(json.dumps([asdict(each) for each in _try_all(Path(environment), spool=spool)]))  # noqa: T201


def _try_all(environment: Path, *, spool: bool) -> Iterator[Finding]:
    try:
        configuration = Configuration.from_environment(read_environment(environment))
    except NexioError as error:
        yield trouble("environment", error)
        return
    yield _try("key", str(configuration.key_file), lambda: load_trusted_keys(configuration))
    store = _try("store", "it can be opened", lambda: _open_to_write(configuration))
    yield store
    if spool and store.well:  # making a spool makes the folder of a store that is not there
        folder = configuration.home / "spool"
        yield _try("spool", str(folder), lambda: _make_spools(folder))


def _make_spools(folder: Path) -> None:
    """Make both spools, for decisions and for accounting."""
    Spool(folder / "freeradius.db", AuthEvent).make()
    Spool(folder / "freeradius-accounting.db", AccountingBatch).make()


def _open_to_write(configuration: Configuration) -> None:
    """Open the store for writing, as the plugin does to record decisions."""
    with closing(Store.open(configuration)) as store, store.write() as work:
        work.keyring.require_second()


def _try(subject: str, message: str, act: Callable[[], object]) -> Finding:
    try:
        act()
    except NexioError as error:
        return trouble(subject, error)
    return well(subject, message)
