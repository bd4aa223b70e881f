"""What every test can ask for.

==================== ==========================================================================
``clock``            a `Clock`: ``clock.now``, ``clock.advance(minutes=5)``; Fri 20 Nov 2026
                     08:30 UTC at first
``store``            an open `Store` with that clock, on SQLite and again on PostgreSQL: empty, or
                     with the house of ``location`` in it
``configuration``    its `Configuration`, not opened; SQLite and again PostgreSQL
``location``         "Harbour House" in that store: Europe/London, visitor tokens on, 60 minutes
``sqlite_store``     like ``store``, ``configuration``, ``location``, on SQLite only: for tests
``sqlite_configuration``  in which the engine does not matter
``sqlite_location``
``postgresql_configuration``  on PostgreSQL only
``environment``      the ``NEXIO_*`` variables of ``configuration``, set in ``os.environ`` too
``sqlite_environment``  the same of ``sqlite_configuration``
``postgresql``       a PostgreSQL server for the session (`tests.support.postgresql.PostgreSQL`)
``mail_server``      a `MailServer`: takes mail without TLS until the test says otherwise
``programs``         allows the test to start programs, where no other fixture above does
``sqlite_file``      allows it to make a SQLite file, where no other fixture above does
``freeradius_python``  FreeRADIUS is there, with the version of Python that runs the tests
==================== ==========================================================================

What a test asks for marks it: ``freeradius``, ``postgresql``, and ``fast`` where it needs no
store on disk and no program.  A test that is marked ``fast`` and starts a program or opens a
SQLite file fails.

``tests.support.people`` registers visitors and saves settings in one line;
``tests.support.stores`` counts rows.

Without asking, each test has a home of its own (``HOME`` and ``NEXIO_HOME`` are in its
``tmp_path``; one that does not ask for that may write nothing there), no other ``NEXIO_*`` and no
``XDG_*`` variable, none that sets the width or colours of a terminal, and fails where it reaches
for another network than loopback.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from nexio.store import postgresql as postgresql_store
from nexio.store.engine import Store
from radius_auth.raddb.program import embedded_python
from radius_auth.server.time_slice import ask_for_slice
from tests.support.clocks import Clock
from tests.support.connections import KeptConnection
from tests.support.mail_server import MailServer
from tests.support.order import Scheduling, place
from tests.support.people import add_harbour_house
from tests.support.postgresql import PostgreSQL
from tests.support.radius.networks import can_make_networks
from tests.support.signals import start_children_with_default_signals
from tests.support.statements import share_compiled_statements
from tests.support.stores import Filling, PostgreSQLTemplate, SQLiteTemplate, Template, export
from tests.support.temporary import temporary_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("ci"), derandomize=False, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

start_children_with_default_signals()

# Several processes of tests share a processor.  In turns of 3 ms, as is usual, each finds little of
# its own in the caches, and takes longer.
ask_for_slice(100_000_000)
share_compiled_statements()
# Python's own threshold of 700 objects is a twentieth of the time of the tests.
gc.set_threshold(20_000, 20, 20)

WIRED = Path(__file__).parent / "radius_auth" / "server" / "test_wired.py"
"""Devices and a switch in a network of their own, which not every machine allows (containers)."""

ROOT = temporary_root()
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(ROOT))  # what tmp_path is in

FREERADIUS_MODULE = Path("/usr/lib/freeradius/rlm_python3.so")
SLOW_FIXTURES = {"postgresql", "_sqlite_template", "configuration", "programs", "sqlite_file"}
STARTS_PROGRAM = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}

TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
"""What shapes output where whoever starts the tests has set it."""

_reached_out: list[str] = []
_is_fast = False
"""Whether the test of this moment is marked so."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what this machine does not allow; `pytest_terminal_summary` says so."""
    return True if collection_path == WIRED and not can_make_networks() else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    if not can_make_networks():
        terminalreporter.write_line(
            f"Left out: {WIRED.name}, as this machine allows no network namespaces"
            " (unshare --user --map-root-user --net)."
        )


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Hold each test to what it may do (an audit hook, see PEP 578)."""
    _watch_sockets(event, arguments)
    opens_file = event == "sqlite3.connect" and ":memory:" not in str(arguments[0])
    if _is_fast and (event in STARTS_PROGRAM or opens_file):
        _reached_out.append(f"{event}: ask for the fixture `programs` or `sqlite_file`")
        raise AssertionError(_reached_out[-1])


def _watch_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to send anything to another host."""
    if event not in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_this_host(str(address[0])):
        _reached_out.append(f"{event} {address[0]}")
        raise AssertionError(f"a test reaches for another network: {event} {address}")


def _is_this_host(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


sys.addaudithook(_watch)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark each test by what it asks for, and put those that take long first."""
    for item in items:
        for mark in _marks(item):
            item.add_marker(mark)
    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Let `make test` choose the next file; the other runs have no files to choose from."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def _marks(item: pytest.Function) -> Iterator[str]:
    asked = set(item.fixturenames)
    if "freeradius_python" in asked:
        yield "freeradius"
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if "postgresql" in asked or "postgresql_configuration" in asked or "postgresql" in parameters:
        yield "postgresql"
    if not asked & SLOW_FIXTURES and not item.get_closest_marker("long"):
        yield "fast"


def pytest_collection_finish() -> None:
    """Take what was loaded and collected out of each later garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hold a test that is marked ``fast`` to it, in whichever run."""
    global _is_fast  # noqa: PLW0603 - an audit hook has no other way to know
    _is_fast = item.get_closest_marker("fast") is not None
    try:
        return (yield)
    finally:
        _is_fast = False


@pytest.fixture(autouse=True)
def reached_out(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[list[str]]:
    """The guard: keeps each test away from the user's files and from other networks."""
    nobody = tmp_path_factory.getbasetemp() / "nobody"
    # A folder for each of a thousand tests takes seconds; most need none.
    asked = "tmp_path" in request.fixturenames
    home: Path = request.getfixturevalue("tmp_path") if asked else nobody
    for name in [name for name in os.environ if name.startswith(("NEXIO_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in TERMINAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home / "home"))
    monkeypatch.setenv("NEXIO_HOME", str(home / "nexio"))
    monkeypatch.setenv("NEXIO_CONFIG", os.devnull)  # no file of this machine
    _reached_out.clear()
    yield _reached_out
    # Raised in a thread or swallowed by an `except`, it still counts.
    assert not _reached_out
    assert not nobody.exists(), "a test that writes into its home asks for tmp_path"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until the test moves it."""
    return Clock()


@pytest.fixture(scope="session")
def programs() -> None:
    """Allows a test to start programs."""


@pytest.fixture(scope="session")
def sqlite_file() -> None:
    """Allows a test to make a SQLite file."""


@pytest.fixture(scope="session")
def freeradius_python(programs: None) -> None:
    """FreeRADIUS loads the plugin into its own Python: its tests run in that version.

    ``make test`` runs them in another virtual environment where this one has another version.
    """
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert embedded_python(FREERADIUS_MODULE) == ours, "run these tests with: make test"


@pytest.fixture(scope="session")
def postgresql(programs: None) -> Iterator[PostgreSQL]:
    """A PostgreSQL server, one for each process of the tests."""
    with PostgreSQL(parent=ROOT) as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server on a port of loopback."""
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return SQLiteTemplate(tmp_path_factory.mktemp("sqlite-template"))


@pytest.fixture(scope="session")
def _postgresql_template(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL
) -> Iterator[Template]:
    home = tmp_path_factory.mktemp("postgresql-template")
    with closing(PostgreSQLTemplate(home, postgresql)) as template:
        yield template


@pytest.fixture
def _filling(request: pytest.FixtureRequest) -> Filling | None:
    """What a test finds in its store: copying the house is quicker than making it."""
    return add_harbour_house if "_with_house" in request.fixturenames else None


@pytest.fixture
def _with_house() -> None:
    """Harbour House is in the store of the test."""


@pytest.fixture
def sqlite_configuration(
    _sqlite_template: Template, _filling: Filling | None, tmp_path: Path
) -> Configuration:
    """A store on SQLite."""
    return _sqlite_template.copy(tmp_path / "nexio", _filling)


@pytest.fixture
def postgresql_configuration(
    _postgresql_template: Template, _filling: Filling | None, tmp_path: Path
) -> Configuration:
    """A store on PostgreSQL."""
    return _postgresql_template.copy(tmp_path / "nexio", _filling)


@pytest.fixture(params=["sqlite", "postgresql"])
def configuration(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """A store: on SQLite, and again on PostgreSQL, to which connections are kept."""
    made: Configuration = request.getfixturevalue(f"{request.param}_configuration")
    if request.param == "postgresql":
        monkeypatch.setattr(postgresql_store, "PatientConnection", KeptConnection)
    return made


@pytest.fixture
def store(configuration: Configuration, clock: Clock) -> Iterator[Store]:
    """The store of ``configuration``, open, with the clock of the test."""
    yield from _opened(configuration, clock)


@pytest.fixture
def sqlite_store(sqlite_configuration: Configuration, clock: Clock) -> Iterator[Store]:
    """The store of ``sqlite_configuration``, open, with the clock of the test."""
    yield from _opened(sqlite_configuration, clock)


def _opened(configuration: Configuration, clock: Clock) -> Iterator[Store]:
    with closing(Store.open(configuration, clock)) as store:
        yield store


@pytest.fixture
def location(request: pytest.FixtureRequest, _with_house: None, store: Store) -> Location:
    """Harbour House: Europe/London, a token of 60 minutes for every pre-registered visitor."""
    template = request.getfixturevalue(f"_{store.engine.dialect.name}_template")
    house: Location = template.results[add_harbour_house]
    return house


@pytest.fixture
def sqlite_location(_sqlite_template: Template, _with_house: None, sqlite_store: Store) -> Location:
    """Harbour House in ``sqlite_store``."""
    house: Location = _sqlite_template.results[add_harbour_house]
    return house


@pytest.fixture
def environment(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables that lead a program to the store of ``configuration``."""
    return export(configuration, monkeypatch)


@pytest.fixture
def sqlite_environment(
    sqlite_configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables that lead a program to the store of ``sqlite_configuration``."""
    return export(sqlite_configuration, monkeypatch)
