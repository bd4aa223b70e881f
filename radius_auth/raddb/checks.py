"""Checks FreeRADIUS's configuration for faults and for leaks of passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nexio import __version__
from nexio.installing.changes import File, look
from nexio.operations.health import Finding, unwell, well
from radius_auth.raddb.folder import (
    MAIN,
    enabled,
    expanded,
    find_setting,
    other_python,
    read_lines,
)
from radius_auth.raddb.installation import place
from radius_auth.raddb.listeners import clashes, listeners
from radius_auth.raddb.package import MODULE, links_of, package_digest, packaged
from radius_auth.raddb.program import (
    INSTALL,
    embedded_python,
    examine_program,
    find_module,
    read_by_freeradius,
)
from radius_auth.raddb.rights import examine_rights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from radius_auth.raddb.folder import Line

EAP: Final = "mods-available/nexio-eap"
BEFORE_US: Final = frozenset({"filter_username", "suffix"})
"""Policies that reject or change a User-Name with a blank or an @, as a guest may type it (R8)."""

OURS: Final = frozenset({"nexio", "nexio_authorize"})
"""The module, and the policy that calls it."""

ACCOUNTING: Final = frozenset({"preacct", "accounting"})
"""Sections whose requests hold no passwords."""

ACCOUNT: Final = "nexio_account"
"""The policy that stores accounting."""

PASSWORD: Final = "User-Password"  # noqa: S105 - the name of an attribute


@dataclass(frozen=True, slots=True)
class Check:
    """One possible fault of a configuration folder."""

    subject: str
    find: Callable[[Path], str]
    """Returns what is wrong, or an empty string."""

    advice: str
    """What to do then."""

    fine: str

    def of(self, folder: Path) -> Finding:
        """The finding."""
        wrong = self.find(folder)
        return unwell(self.subject, wrong, self.advice) if wrong else well(self.subject, self.fine)


def look_over(folder: Path, program: Path | None) -> Iterator[Finding]:
    """Check everything, the deepest cause first; change nothing.

    Args:
        folder: raddb.
        program: FreeRADIUS, None where it is not installed.

    Raises:
        Unreachable: the folder cannot be read.
        Refused: the manifest is damaged.
    """
    findings = list(examine_program(folder, program))
    yield from findings
    yield PYTHON.of(folder)
    installed = _installed(folder)
    yield installed
    if not installed.well and not (folder / MODULE).is_file():
        return
    yield from (check.of(folder) for check in (LINKS, PORT))
    yield _accounting(folder)
    yield NAMES.of(folder)
    yield from _eap(folder)
    yield PASSWORDS.of(folder)
    if all(
        each.well for each in findings if each.subject == "Python"
    ):  # else FreeRADIUS cannot load it
        yield from examine_rights(folder, embedded_python(find_module(folder)))
    if program is not None:
        yield read_by_freeradius(folder, program)


def _other_python(folder: Path) -> str:
    others = ", ".join(other_python(folder))
    return others and f"beside ours there is one in {others}, and FreeRADIUS can have one only"


def _installed(folder: Path) -> Finding:
    before, templates = place(folder).load_manifest(), packaged()
    if not before.files and all((folder / path).is_file() for path in templates):
        return well("files", "put in place by hand, so nobody knows of which version")
    if not before.files:
        return unwell("files", "the plugin is not installed", f"Install it: {INSTALL}")
    there = {path: look(folder / path) for path in before.files}
    missing = [path for path, state in there.items() if not isinstance(state, File)]
    if missing:
        return unwell("files", f"missing: {', '.join(missing)}", f"Renew them: {INSTALL}")
    if before.package != package_digest(templates):
        wrong = f"they are of version {before.version}, and not those of {__version__} as installed"
        return unwell("files", wrong, f"Renew them: {INSTALL}")
    changed = [path for path, state in there.items() if not before.wrote(path, state)]
    if changed:
        return well("files", f"all there; changed by you: {', '.join(changed)}")
    return well("files", f"all there, of version {before.version}")


def _missing_links(folder: Path) -> str:
    missing = [path for path in links_of(packaged()) if not (folder / path).exists()]
    return f"missing: {', '.join(missing)}" if missing else ""


def _clash(folder: Path) -> str:
    return next((f"{site} listens where our site does" for site in clashes(folder)), "")


def _accounting(folder: Path) -> Finding:
    """Check who takes accounting: without it no session is seen, and none ends by itself."""
    advice = (
        f"Renew the files: {INSTALL}; compare what you have changed with mods-config/nexio/new."
        " See docs/freeradius.md, Accounting."
    )
    if not any(line.name == "func_accounting" for line in read_lines(folder / MODULE)):
        return unwell("accounting", f"{MODULE} has no func_accounting", advice)
    for path in enabled(folder, "sites-enabled"):
        ports = {each.port for each in listeners(path) if each.kind == "acct"}
        if ports and any(
            line.name == ACCOUNT and not ACCOUNTING.isdisjoint(line.sections)
            for line in read_lines(path)
        ):
            where = f"on port {', '.join(sorted(ports))}, in {path.relative_to(folder)}"
            return well("accounting", f"taken by the plugin {where}")
    return unwell("accounting", "no site takes it, so that no session is seen or ended", advice)


def _changed_names(folder: Path) -> str:
    """Policies that run before the plugin and rewrite User-Name, which nothing may do."""
    for path in _our_sites(folder):
        for call in _calls_before_us(read_lines(path)):
            if call.name in BEFORE_US:
                return f"{call.name} runs before the plugin in {path.relative_to(folder)}"
    return ""


def _calls_before_us(lines: list[Line]) -> Iterator[Line]:
    """The lines of authorize, at any depth, before the call of the plugin."""
    ours: set[tuple[str, ...]] = set()
    for line in lines:
        section = line.sections[:2]  # server …, authorize
        if line.name in OURS:
            ours.add(section)
        if section[1:] == ("authorize",) and section not in ours:
            yield line


def _eap(folder: Path) -> Iterator[Finding]:
    if not (folder / EAP).is_file():
        return
    lines = read_lines(folder / EAP)
    yield SESSIONS.of(folder)
    if any(line.name == "ttls" and line.value is None for line in lines):
        hint = "before you offer it in public, read docs/freeradius.md: in 3.2.1 it can be crashed"
        yield well("TTLS", f"offered; {hint}")
    files = ", ".join(
        expanded(folder, line.value)
        for line in lines
        if line.name == "certificate_file" and line.value
    )
    hint = ": Debian's own, that no device trusts; no matter where nobody uses EAP"
    yield well("certificate", files + hint if "snakeoil" in files else files)


def _resumed_sessions(folder: Path) -> str:
    for line in read_lines(folder / EAP):
        if line.sections[-1:] == ("cache",) and (line.name, line.value) == ("enable", "yes"):
            return f"{EAP} resumes them, and a resumed session asks no rule"
    return ""


def _logged_passwords(folder: Path) -> str:
    """Settings that make FreeRADIUS write passwords into its logs (Must 20)."""
    for name in ("auth_badpass", "auth_goodpass"):
        if find_setting(folder, name, "log") == "yes":
            return f"{name} in {MAIN} logs them"
    logging = set(_logging_modules(folder))
    for path in _our_sites(folder):
        for line in read_lines(path):
            if line.name in logging and ACCOUNTING.isdisjoint(line.sections):
                return f"{line.name}, called in {path.relative_to(folder)}, logs them"
    return ""


def _logging_modules(folder: Path) -> Iterator[str]:
    """Names of modules that log passwords: detail unless configured not to, linelog if so set."""
    for path in enabled(folder, "mods-enabled"):
        lines = read_lines(path)
        for line in lines:
            kind, _, name = line.name.partition(" ")
            if line.sections or line.value is not None or kind not in {"detail", "linelog"}:
                continue
            inside = [each for each in lines if each.sections[:1] == (line.name,)]
            hidden = any(each.name == PASSWORD for each in inside)
            logged = any(PASSWORD in (each.value or "") for each in inside)
            if logged if kind == "linelog" else not hidden:
                yield name.strip() or kind


def _our_sites(folder: Path) -> list[Path]:
    sites = enabled(folder, "sites-enabled")
    return [path for path in sites if path.name == "nexio" or path.name.startswith("nexio-")]


PYTHON: Final = Check(
    "python3 modules",
    _other_python,
    "Take it out of mods-enabled, or let its functions call those of ours.",
    "none beside ours",
)
LINKS: Final = Check(
    "links", _missing_links, f"Make them: {INSTALL}", "modules and sites are enabled"
)
PORT: Final = Check(
    "port",
    _clash,
    f"{INSTALL} --replace-default, or change the port in one of the two.",
    "no other site listens where ours does",
)
NAMES: Final = Check(
    "user names",
    _changed_names,
    "Take it out: it refuses or changes what guests may type.",
    "they reach the plugin as they were typed",
)
SESSIONS: Final = Check(
    "sessions",
    _resumed_sessions,
    "Set enable = no in its cache: guests whose time is over would come back in.",
    "none is resumed past the rules",
)
PASSWORDS: Final = Check(
    "passwords",
    _logged_passwords,
    f"Set it to no, or take {PASSWORD} out of what it logs.",
    "no log has them",
)
