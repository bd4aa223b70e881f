"""What the check finds: each thing broken once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from radius_auth.raddb.checks import look_over
from radius_auth.raddb.installation import plan_install
from radius_auth.raddb.program import find_program
from tests.support.radius.trees import change, install, planned, source

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.configuration import Configuration
    from nexio.operations.health import Finding

SITE = "sites-available/nexio"
SUBJECTS = [
    "FreeRADIUS",
    "rlm_python3",
    "Python",
    "python3 modules",
    "files",
    "links",
    "port",
    "accounting",
    "user names",
    "sessions",
    "TTLS",
    "certificate",
    "passwords",
    "packages",
    "key",
    "store",
    "spool",
    "configuration",
]


def look_for(raddb: Path, subject: str) -> Finding:
    """One finding; what comes after it is not looked at."""
    return next(each for each in look_over(raddb, find_program()) if each.subject == subject)


def test_all_is_well(installed: Path) -> None:
    """Every subject, in its order; the certificate that no device trusts is said to be that."""
    found = list(look_over(installed, find_program()))
    assert [each.subject for each in found] == SUBJECTS
    assert [each for each in found if not each.well or each.advice] == []
    assert "no device trusts" in next(f.message for f in found if f.subject == "certificate")


def test_the_certificate_is_named_in_full(installed: Path) -> None:
    """What stands there as ${certdir} is the file that it means."""
    eap = installed / "mods-available/nexio-eap"
    text = eap.read_text()
    here = "certificate_file = ${certdir}/nexio/server.pem"
    eap.write_text(re.sub("certificate_file = .*", lambda _: here, text))

    found = look_for(installed, "certificate").message

    assert found == str(installed / "certs/nexio/server.pem")


def test_it_says_where_accounting_goes(installed: Path) -> None:
    """R12: which site takes it, where."""
    found = look_for(installed, "accounting")

    assert found.well
    assert found.message == "taken by the plugin on port 1813, in sites-enabled/nexio"


def test_accounting_in_a_site_of_the_engineers_own(installed: Path) -> None:
    """Ours has no listener any more; another site calls our policy."""
    change(installed / SITE, "type = acct", "type = auth")
    own = (
        "server own {\nlisten {\ntype = auth+acct\n}\npreacct {\nif (1) {\nnexio_account\n}\n}\n}\n"
    )
    (installed / "sites-enabled" / "own").write_text(own)

    assert look_for(installed, "accounting").message.endswith("on port 1813, in sites-enabled/own")


def test_before_the_installation(raddb: Path) -> None:
    """The advice is to install it, and nothing else is looked at."""
    *_, last = look_over(raddb, find_program())
    assert (last.subject, last.advice) == ("files", "Install it: nexio freeradius install")


def enable(name: str, *calls: str) -> Callable[[Path], None]:
    """A module in mods-enabled, and what is put at the start of our site's authorize."""

    def put(raddb: Path) -> None:
        (raddb / "mods-enabled" / "extra").write_text(name)
        change(raddb / SITE, "authorize {", "\n".join(["authorize {", *calls]))

    return put


def remove(name: str) -> Callable[[Path], None]:
    """A file or link that somebody deleted."""
    return lambda raddb: (raddb / name).unlink()


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A file that somebody changed."""
    return lambda raddb: change(raddb / name, old, new)


def link(name: str, target: str) -> Callable[[Path], None]:
    """A link that somebody made."""
    return lambda raddb: (raddb / name).symlink_to(target)


@pytest.mark.parametrize(
    ("subject", "break_it", "words"),
    [
        (
            "python3 modules",
            link("mods-enabled/python3", "../mods-available/python3"),
            "mods-enabled/python3",
        ),
        ("files", remove("mods-config/nexio/reject"), "mods-config/nexio/reject"),
        ("links", remove("sites-enabled/nexio-clients"), "sites-enabled/nexio-clients"),
        ("port", link("sites-enabled/default", "../sites-available/default"), "default"),
        (
            "user names",
            edit(SITE, "nexio_authorize", "filter_username\nnexio_authorize"),
            "filter_username",
        ),
        (
            "user names",
            edit("sites-available/nexio-inner-tunnel", "nexio_hand_over_login", "suffix"),
            "nexio-inner-tunnel",
        ),
        ("sessions", edit("mods-available/nexio-eap", "enable = no", "enable = yes"), "resumes"),
        ("passwords", edit("radiusd.conf", "auth_badpass = no", "auth_badpass = yes"), "badpass"),
        ("passwords", enable("detail auth_log {\n}\n", "auth_log"), "auth_log"),
        (
            "passwords",
            enable('linelog mine {\nformat = "%{User-Password}"\n}\n', "mine"),
            "mine",
        ),
        ("accounting", edit(SITE, "type = acct", "type = auth"), "no site takes"),
        ("accounting", edit(SITE, "nexio_account", "ok"), "no site takes it"),
        (
            "accounting",
            edit("mods-available/nexio", "func_accounting = accounting", ""),
            "func_accounting",
        ),
        ("configuration", edit(SITE, "nexio_sign", "nexio_sing"), "nexio_sing"),
    ],
)
def test_what_is_wrong(
    installed: Path, subject: str, break_it: Callable[[Path], None], words: str
) -> None:
    """Found, named, and with what to do."""
    break_it(installed)
    found = look_for(installed, subject)
    assert not found.well
    assert words in found.message
    assert found.advice


@pytest.mark.parametrize(
    "do_it",
    [
        enable("detail mine {\nsuppress {\nUser-Password\n}\n}\n", "mine"),
        enable('linelog mine {\nformat = "%{User-Name}"\n}\n', "mine"),
        enable("detail mine {\n}\n"),
    ],
    ids=["detail without", "linelog without", "not called"],
)
def test_logs_without_passwords(installed: Path, do_it: Callable[[Path], None]) -> None:
    """Must 20: a log that leaves the password out, or that we do not call, is no matter."""
    do_it(installed)
    assert look_for(installed, "passwords").well


def test_what_runs_after_us_is_no_matter(installed: Path) -> None:
    """A User-Name may be split when the plugin has seen it."""
    change(installed / SITE, "nexio_eap\n\t}", "nexio_eap\n\t\tif (1) {\n\t\tsuffix\n\t}\n\t}")
    assert look_for(installed, "user names").well


def test_changed_by_hand(installed: Path) -> None:
    """No fault, but said."""
    change(installed / SITE, "port = 1812", "port = 18120")
    found = look_for(installed, "files")
    assert found.well
    assert SITE in found.message


def test_put_in_place_by_hand(installed: Path) -> None:
    """Without a manifest nobody knows of which version they are."""
    (installed / "mods-config/nexio/installed.json").unlink()
    assert "by hand" in look_for(installed, "files").message


def test_files_of_another_version(raddb: Path, sqlite_configuration: Configuration) -> None:
    """They are to be renewed, which works."""
    install(raddb, sqlite_configuration, needed=b"# an older one\n")
    found = look_for(raddb, "files")
    assert not found.well
    assert "of version" in found.message
    planned(raddb, sqlite_configuration).carry_out()
    assert look_for(raddb, "files").well


def test_port_of_our_own(raddb: Path, sqlite_configuration: Configuration) -> None:
    """Beside FreeRADIUS's own site, on another port."""
    plan_install(raddb, source(sqlite_configuration), replace_default=False).carry_out()
    assert not look_for(raddb, "port").well
    change(raddb / SITE, "port = 1812", "port = 1645")
    assert not look_for(raddb, "port").well
    change(raddb / SITE, "port = 1813", "port = 1646")
    assert look_for(raddb, "port").well
