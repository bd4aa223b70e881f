"""Makes the measured servers: our two and their opponents, all with the same visitors."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.generator import programs
from benchmarks.packets import SECRET, SOCKETS
from benchmarks.servers import freeradius
from benchmarks.servers.server import Server, free_port
from nexio.configuration import Configuration
from nexio.locations.locations import get_location
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from tests.support.radius.freeradius import FreeRADIUS, copy_raddb, install, show_certificate

if TYPE_CHECKING:
    from benchmarks.crowd import Visitor
    from tests.support.postgresql import PostgreSQL

ROOT: Final = Path(__file__).parents[2]
DICTIONARY: Final = ROOT / "radius_auth" / "protocol" / "dictionary"
LOGINS: Final = freeradius.LOGINS
RADIUSD: Final = Path(sys.executable).with_name("nexio-radiusd")


class Lineup:
    """Makes the servers, each in a folder of its own.

    Args:
        folder: an empty one.
        home: ``NEXIO_HOME`` with a store of these visitors.
        visitors: who can log in.
        postgresql: a running server.
    """

    def __init__(
        self, folder: Path, home: Path, visitors: Sequence[Visitor], postgresql: PostgreSQL
    ) -> None:
        self._folder, self._home, self._visitors = folder, home, visitors
        self._postgresql, self._is_filled = postgresql, False

    def make(self, key: str) -> Server:
        """One of them, not started yet."""
        return MAKERS[key](self)

    def folder(self, name: str) -> Path:
        """A new folder."""
        made = self._folder / name
        made.mkdir()
        return made

    def home_of(self, key: str) -> Path:
        """``NEXIO_HOME`` of one of our servers."""
        return self._folder / f"home-of-{key}"

    def radiusd(self) -> Server:
        """nexio-radiusd as it is installed; rejects are not delayed."""
        return radiusd(self.folder("radiusd"), self._copy_of_home("radiusd"))

    def interpreted(self) -> Server:
        """The same with no module compiled, where these are."""
        key, program = "interpreted", ROOT / ".venv" / "bin" / "nexio-radiusd"
        made = radiusd(self.folder(key), self._copy_of_home(key), program)
        return replace(made, key=key, name="nexio-radiusd, not compiled", columns=LOGINS)

    def plugin(self) -> Server:
        """FreeRADIUS with our plugin, as our command installs it."""
        home = self._copy_of_home("plugin")
        made = FreeRADIUS(copy_raddb(self.folder("plugin") / "raddb"), free_port())
        install(made.raddb, Configuration.from_environment({"NEXIO_HOME": str(home)}))
        show_certificate(made)
        made.accounting_port = made.port + 1
        made.listen_on_its_ports()
        made.change("radiusd.conf", r"reject_delay = \d", "reject_delay = 0")
        columns = LOGINS | {"duplicate", "accounting"}
        return freeradius.as_server(made, "plugin", "FreeRADIUS, our plugin", columns)

    def files(self) -> Server:
        """FreeRADIUS with ``rlm_files``."""
        return freeradius.with_files(self.folder("files"), self._visitors)

    def python3(self) -> Server:
        """FreeRADIUS with the least that Python can do in it."""
        return freeradius.with_python(self.folder("python3"), self._visitors)

    def sqlite(self) -> Server:
        """FreeRADIUS with ``rlm_sql`` on SQLite."""
        return freeradius.with_sqlite(self.folder("sqlite"), self._visitors)

    def lean(self) -> Server:
        """FreeRADIUS with ``rlm_sql`` on PostgreSQL, one query for each login."""
        return self._with_postgresql("postgresql", lean=True)

    def logging(self) -> Server:
        """The same with Debian's queries, and a row in the log for each login."""
        return self._with_postgresql("postgresql-log", lean=False)

    def pyrad(self) -> Server:
        """A plain server of pyrad's."""
        folder, port = self.folder("pyrad"), free_port()
        pins = freeradius.write_pins(folder / "pins", self._visitors)
        return Server(
            key="pyrad",
            name="pyrad, plain server",
            command=[sys.executable, "-m", "benchmarks.servers.plain_pyrad",
                     str(port), pins, DICTIONARY],
            environment={"PYTHONPATH": str(ROOT)},
            folder=folder,
            port=port,
            columns=LOGINS,
        )  # fmt: skip

    def echo(self) -> Server:
        """A UDP echo in Python."""
        port = free_port()
        program = Path(programs.__file__).with_name("echo_in_python.py")
        return Server(
            key="echo",
            name="UDP echo in Python",
            command=[sys.executable, program, str(port)],
            folder=self.folder("echo"),
            port=port,
            columns=frozenset({"accept"}),
        )

    def _with_postgresql(self, name: str, *, lean: bool) -> Server:
        folder = self.folder(name)
        made = freeradius.with_postgresql(folder, self._postgresql, lean=lean)
        if not self._is_filled:  # both use the same database
            schema = freeradius.schema_of(folder)
            freeradius.fill_postgresql(self._postgresql, schema, self._visitors)
            self._is_filled = True
        return made

    def _copy_of_home(self, name: str) -> Path:
        """A store of its own, so that neither of our servers works for the other."""
        return Path(shutil.copytree(self._home, self.home_of(name)))


MAKERS: Final[dict[str, Callable[[Lineup], Server]]] = {
    "radiusd": Lineup.radiusd,
    "interpreted": Lineup.interpreted,
    "plugin": Lineup.plugin,
    "files": Lineup.files,
    "python3": Lineup.python3,
    "sqlite": Lineup.sqlite,
    "postgresql": Lineup.lean,
    "postgresql-log": Lineup.logging,
    "pyrad": Lineup.pyrad,
    "echo": Lineup.echo,
}


def radiusd(folder: Path, home: Path, program: Path = RADIUSD) -> Server:
    """nexio-radiusd as it is installed; rejects are not delayed.

    Args:
        folder: for its log.
        home: its ``NEXIO_HOME``.
        program: what is started.
    """
    port = free_port()
    return Server(
        key="radiusd",
        name="nexio-radiusd",
        command=[
            program,
            *("--listen", "127.0.0.1", "--auth-port", str(port), "--reject-delay", "0"),
        ],
        environment={"NEXIO_HOME": str(home)},
        folder=folder,
        port=port,
        columns=LOGINS | {"duplicate", "accounting"},
    )


def add_access_points(configuration: Configuration) -> None:
    """Those that the generator plays: 127.0.0.1 and on."""
    with closing(Store.open(configuration)) as store, store.write() as work:
        location = get_location(work, None)
        for number in range(1, SOCKETS + 1):
            nas = NewNas(name=f"ap-{number}", address=f"127.0.0.{number}", secret=SECRET.decode())
            add_nas(work, location, nas)
