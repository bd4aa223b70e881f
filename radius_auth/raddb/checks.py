"""Looking over what FreeRADIUS is configured to do: everything that would fail, or leak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio import __version__
from nexio.operations.health import Finding, unwell, well
from radius_auth.raddb.changes import File, look
from radius_auth.raddb.folder import (
    MAIN,
    enabled,
    filled_in,
    find_setting,
    other_python,
    read_lines,
)
from radius_auth.raddb.listeners import clashes
from radius_auth.raddb.manifest import Manifest, load_manifest
from radius_auth.raddb.package import MODULE, links_of, package_digest, packaged
from radius_auth.raddb.program import (
    embedded_python,
    examine_program,
    find_module,
    read_by_freeradius,
)
from radius_auth.raddb.rights import examine_rights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radius_auth.raddb.folder import Line

EAP: Final = "mods-available/nexio-eap"
BEFORE_US: Final = frozenset({"filter_username", "suffix"})
"""They reject or change a User-Name that a guest may type, with a blank or an @ (R8)."""

OURS: Final = frozenset({"nexio", "nexio_authorize"})
"""The module, and the policy that calls it."""

ACCOUNTING: Final = frozenset({"preacct", "accounting"})
"""There are no passwords in what these sections see."""

PASSWORD: Final = "User-Password"  # noqa: S105 - the name of an attribute


def look_over(folder: Path, program: Path | None) -> Iterator[Finding]:
    """Look at everything, the deepest cause first; nothing is changed.

    Args:
        folder: raddb.
        program: FreeRADIUS, None where it is not installed.

    Raises:
        Unreachable: the folder cannot be read.
        Refused: the manifest is damaged.
    """
    findings = list(examine_program(folder, program))
    yield from findings
    yield _python_modules(folder)
    installed = _installed(folder)
    yield installed
    if not installed.well and not (folder / MODULE).is_file():
        return
    yield _links(folder)
    yield _port(folder)
    yield well(
        "accounting",
        "not taken by the plugin: send it to nexio-radiusd beside FreeRADIUS, see"
        " docs/freeradius.md",
    )
    yield _names(folder)
    yield from _eap(folder)
    yield _passwords(folder)
    if all(each.well for each in findings if each.subject == "Python"):  # else it loads nothing
        yield from examine_rights(folder, embedded_python(find_module(folder)))
    if program is not None:
        yield read_by_freeradius(folder, program)


def _python_modules(folder: Path) -> Finding:
    others = other_python(folder)
    if others:
        return unwell(
            "python3 modules",
            f"beside ours there is one in {', '.join(others)}, and FreeRADIUS can have one only",
            "Take it out of mods-enabled, or let its functions call those of ours.",
        )
    return well("python3 modules", "none beside ours")


def _installed(folder: Path) -> Finding:
    before, templates = load_manifest(folder), packaged()
    if not before.files:
        if all((folder / path).is_file() for path in templates):
            return well("files", "put in place by hand, so nobody knows of which version")
        return unwell(
            "files", "the plugin is not installed", "Install it: nexio freeradius install"
        )
    missing = [path for path in before.files if not (folder / path).is_file()]
    if missing:
        return unwell(
            "files", f"missing: {', '.join(missing)}", "Renew them: nexio freeradius install"
        )
    if before.package != package_digest(templates):
        return unwell(
            "files",
            f"they are of version {before.version}, and not those of {__version__} as installed",
            "Renew them: nexio freeradius install",
        )
    changed = _changed(folder, before)
    if changed:
        return well("files", f"all there; changed by you: {', '.join(changed)}")
    return well("files", f"all there, of version {before.version}")


def _changed(folder: Path, before: Manifest) -> list[str]:
    return [
        path
        for path in before.files
        if isinstance(there := look(folder / path), File) and not before.wrote(path, there)
    ]


def _links(folder: Path) -> Finding:
    missing = {
        path: target
        for path, target in links_of(packaged()).items()
        if not (folder / path).exists()
    }
    if missing:
        path, target = next(iter(missing.items()))
        return unwell(
            "links",
            f"missing: {', '.join(missing)}",
            f"nexio freeradius install, or: ln -s {target} {folder / path}",
        )
    return well("links", "modules and sites are enabled")


def _port(folder: Path) -> Finding:
    found = clashes(folder)
    if found:
        return unwell(
            "port",
            f"{found[0]} listens where our site does",
            "nexio freeradius install --replace-default, or change the port in one of the two.",
        )
    return well("port", "no other site listens where ours does")


def _names(folder: Path) -> Finding:
    """What runs before the plugin; User-Name is never rewritten."""
    for path in _our_sites(folder):
        for call in _calls_before_us(read_lines(path)):
            if call.name in BEFORE_US:
                return unwell(
                    "user names",
                    f"{call.name} runs before the plugin in {path.relative_to(folder)}",
                    "Take it out: it refuses or changes what guests may type.",
                )
    return well("user names", "they reach the plugin as they were typed")


def _calls_before_us(lines: list[Line]) -> Iterator[Line]:
    """What stands in authorize, however deep, before the call of the plugin."""
    ours: set[tuple[str, ...]] = set()
    for line in lines:
        section = line.sections[:2]  # server …, authorize
        if line.name in OURS:
            ours.add(section)
        if section[1:] == ("authorize",) and section not in ours:
            yield line


def _eap(folder: Path) -> Iterator[Finding]:
    path = folder / EAP
    if not path.is_file():
        return
    lines = read_lines(path)
    if any(
        line.sections[-1:] == ("cache",) and (line.name, line.value) == ("enable", "yes")
        for line in lines
    ):
        yield unwell(
            "sessions",
            f"{EAP} resumes them, and a resumed session asks no rule",
            "Set enable = no in its cache: guests whose time is over would come back in.",
        )
    else:
        yield well("sessions", "none is resumed past the rules")
    if any(line.name == "ttls" and line.value is None for line in lines):
        hint = "before you offer it in public, read docs/freeradius.md: in 3.2.1 it can be crashed"
        yield well("TTLS", f"offered; {hint}")
    files = [
        filled_in(folder, line.value)
        for line in lines
        if line.name == "certificate_file" and line.value
    ]
    snakeoil = any("snakeoil" in file for file in files)
    hint = ": Debian's own, that no device trusts; no matter where nobody uses EAP"
    yield well("certificate", f"{', '.join(files)}{hint if snakeoil else ''}")


def _passwords(folder: Path) -> Finding:
    """Must 20: FreeRADIUS writes passwords into its logs where it is told to."""
    for name in ("auth_badpass", "auth_goodpass"):
        if find_setting(folder, name, "log") == "yes":
            return unwell("passwords", f"{name} logs them", f"Set it to no in {folder / MAIN}.")
    logging = set(_logging_modules(folder))
    for path in _our_sites(folder):
        called = [
            line.name
            for line in read_lines(path)
            if line.name in logging and ACCOUNTING.isdisjoint(line.sections)
        ]
        if called:
            return unwell(
                "passwords",
                f"{called[0]}, called in {path.relative_to(folder)}, logs them",
                f"Take it out, or {PASSWORD} out of what it logs.",
            )
    return well("passwords", "no log has them")


def _logging_modules(folder: Path) -> Iterator[str]:
    """Names of the modules that write passwords: detail unless told not to, linelog if told to."""
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
