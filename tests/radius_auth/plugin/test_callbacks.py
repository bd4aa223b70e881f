"""The callbacks, as rlm_python3 calls them: what it gets back, and what stands in its log."""

from __future__ import annotations

import importlib
import logging
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import radius_auth
from nexio.errors import InvalidValue
from nexio.network.event_log import list_events
from nexio.network.events import AuthEvent, Decided
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from radius_auth.guard import Guard
from radius_auth.plugin.accounting import AUTHENTICATOR, read_accounting
from radius_auth.plugin.calls import ReturnCode, Stage
from radius_auth.plugin.pairs import DECIDED, LOGGED, NOTE, PROVEN, SENDER, STAGE
from radius_auth.plugin.slots import SlotCalls
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Discarded
from radius_auth.protocol.statistics import Signatures
from tests.support.clocks import Clock
from tests.support.people import add_location, register
from tests.support.radius.decisions import auth_event
from tests.support.radius.freeradius import packages
from tests.support.radius.guests import NINE, OTHER_PIN, PIN, visit
from tests.support.radius.virtual_server import (
    ADDRESS,
    at,
    chap_pairs,
    house,
    ms_chap,
    pap,
    tunnelled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.metrics.place import Place
    from radius_auth.plugin.pairs import Pairs, Values
    from radius_auth.replica.table import Table

PATIENCE = 20.0
FAIL: Any = (1, (), ())
DURING = NINE + timedelta(minutes=30)
OUTER = at(Stage.OUTER)


class Radiusd(ModuleType):
    """The module that rlm_python3 makes in C: its numbers, the configuration, the log."""

    L_INFO, L_ERR, L_WARN = 3, 4, 5

    def __init__(self, **config: str) -> None:
        super().__init__("radiusd")
        self.config = config
        self.lines: list[tuple[int, str]] = []
        self._coming: SimpleQueue[str] = SimpleQueue()

    def radlog(self, level: int, line: str) -> None:
        """Take a line; FreeRADIUS wants exactly these types."""
        assert (type(level), type(line)) == (int, str)
        self.lines.append((level, line))
        self._coming.put(line)

    def wait_for(self, words: str) -> None:
        """Until a line holds these words."""
        while words not in self._coming.get(timeout=PATIENCE):
            pass

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line for _, line in self.lines)


@pytest.fixture
def radiusd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Radiusd:
    """FreeRADIUS's side, with a file that says where the store is."""
    environment = tmp_path / "environment"
    environment.write_text(f"# ours\nNEXIO_HOME='{tmp_path / 'nexio'}'\n", encoding="utf-8")
    made = Radiusd(environment=str(environment), max_staleness="24h", packages=packages())
    monkeypatch.setitem(sys.modules, "radiusd", made)
    return made


@pytest.fixture
def callbacks(radiusd: Radiusd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, as FreeRADIUS has just loaded it."""
    logs = [logging.getLogger(name) for name in ("nexio", "radius_auth")]
    before = [(list(log.handlers), log.level) for log in logs]
    interval = sys.getswitchinterval()
    monkeypatch.delitem(sys.modules, "radius_auth.freeradius", raising=False)
    module = importlib.import_module("radius_auth.freeradius")
    yield module
    module.detach()
    del sys.modules["radius_auth.freeradius"]
    monkeypatch.delattr(radius_auth, "freeradius")
    sys.setswitchinterval(interval)
    for log, (handlers, level) in zip(logs, before, strict=True):
        log.handlers[:] = handlers
        log.setLevel(level)


@dataclass
class Memory:
    """A background without threads, whose table is there at once."""

    known: Table | Exception = field(default_factory=lambda: house(visit()))
    events: list[AuthEvent] = field(default_factory=list)
    guard: Guard = field(default_factory=Guard)
    discards: Discards = field(default_factory=Discards)
    slots: SlotCalls = field(default_factory=lambda: SlotCalls(lambda *_: None))
    signatures: Signatures = field(default_factory=Signatures)
    started: int = 0
    stopped: int = 0

    def __call__(
        self,
        configuration: Configuration,
        max_staleness: timedelta,
        packages: str,
        metrics_listen: Place | None = None,
    ) -> Memory:
        """Be made by `instantiate`."""
        assert metrics_listen is None
        assert max_staleness == timedelta(hours=24)
        return self

    def table(self) -> Table:
        """What is known, or why nothing is."""
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    def start(self, seconds: float) -> None:
        """Count."""
        self.started += 1

    def record(self, decided: Decided) -> None:
        """Keep it."""
        self.events.append(auth_event(decided))

    def account(self, at: float, host: str, values: Values) -> bool:
        """Say what the companion would; without an authenticator it would not be asked."""
        read_accounting(values)
        return values.first["Acct-Delay-Time"] == "0"

    def stop(self) -> None:
        """Count."""
        self.stopped += 1


@pytest.fixture
def memory(callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """What the callbacks decide by; FreeRADIUS has started."""
    made = Memory()
    monkeypatch.setattr(callbacks, "Background", made)
    monkeypatch.setattr(callbacks, "utc_now", Clock(DURING))
    assert callbacks.instantiate() == 2
    return made


def assert_plain(answer: Any) -> None:
    """rlm_python3: exact types, or it is a failure, or the attribute is skipped."""
    assert type(answer) is tuple
    code, reply, control = answer
    assert type(code) is int
    for updates in (reply, control):
        assert type(updates) is tuple
        for update in updates:
            assert type(update) is tuple
            assert len(update) == 3
            assert {type(word) for word in update} == {str}


# The return values


TOLD = (*at(Stage.ACCOUNTING), (AUTHENTICATOR, f"0x{bytes(16).hex()}"))

CALLS: list[tuple[str, Pairs, ReturnCode]] = [
    ("authorize", (*pap(), *OUTER), ReturnCode.OK),
    ("authorize", (*pap(OTHER_PIN), *OUTER), ReturnCode.REJECT),
    ("authorize", (*pap(PIN, "nobody@example.com"), *OUTER), ReturnCode.REJECT),
    ("authorize", (*chap_pairs(), *OUTER), ReturnCode.OK),
    ("authorize", (*chap_pairs(OTHER_PIN), *OUTER), ReturnCode.REJECT),
    ("authorize", (*ms_chap(), *OUTER), ReturnCode.OK),
    ("authorize", (*tunnelled(), *OUTER), ReturnCode.NOOP),
    ("authorize", (*tunnelled(), *at(Stage.INNER)), ReturnCode.OK),
    ("authorize", OUTER, ReturnCode.REJECT),
    ("authorize", (), ReturnCode.REJECT),
    ("authorize", at(Stage.CLIENT), ReturnCode.NOOP),
    ("authorize", at(Stage.STATUS), ReturnCode.OK),
    ("authorize", at(Stage.CLIENT, "192.0.2.1"), ReturnCode.NOOP),
    ("authorize", ((SENDER, "no address"), (STAGE, "outer")), ReturnCode.FAIL),
    ("authenticate", (*tunnelled(), ("User-Password", PIN), *at(Stage.INNER)), ReturnCode.OK),
    ("authenticate", (*tunnelled(), ("User-Password", "1"), *at(Stage.INNER)), ReturnCode.REJECT),
    ("authenticate", (*tunnelled(), *at(Stage.INNER)), ReturnCode.REJECT),
    ("authenticate", (), ReturnCode.REJECT),
    ("post_auth", (*pap(), *OUTER, (PROVEN, "what?")), ReturnCode.REJECT),
    ("post_auth", (*pap(), *OUTER), ReturnCode.REJECT),
    ("post_auth", (), ReturnCode.REJECT),
    ("post_auth", (*pap(), *at(Stage.REJECTED), (NOTE, LOGGED)), ReturnCode.OK),
    ("post_auth", (*pap(), *at(Stage.REJECTED), (NOTE, "what?")), ReturnCode.OK),
    ("accounting", (*TOLD, ("Acct-Delay-Time", "0")), ReturnCode.OK),
    ("accounting", (*TOLD, ("Acct-Delay-Time", "1")), ReturnCode.FAIL),
    ("accounting", at(Stage.ACCOUNTING), ReturnCode.FAIL),
    ("accounting", at(Stage.STATUS), ReturnCode.OK),
]


@pytest.mark.parametrize(("call", "pairs", "outcome"), CALLS)
def test_every_call_ends_with_a_plain_code(
    callbacks: Any, memory: Memory, call: str, pairs: Pairs, outcome: ReturnCode
) -> None:
    """rlm_python3: None would be an accept, a member of an enum a failure."""
    if STAGE in dict(pairs) and dict(pairs)[STAGE] == Stage.CLIENT:
        memory.known = house(visit(), nas_entries=[])

    answer = getattr(callbacks, call)(pairs)

    assert_plain(answer)
    assert answer[0] == outcome.value


def test_the_codes_are_freeradiuss(callbacks: Any, memory: Memory) -> None:
    """rlm_python3: RLM_MODULE_REJECT, _FAIL, _OK and _NOOP of FreeRADIUS 3."""
    assert {outcome.name: outcome.value for outcome in ReturnCode} == {
        "REJECT": 0,
        "FAIL": 1,
        "OK": 2,
        "NOOP": 7,
    }
    assert_plain(callbacks.authorize(at(Stage.CLIENT)))


def test_an_accept_is_settled_and_recorded(callbacks: Any, memory: Memory) -> None:
    """R12: from authorize to post_auth, with what the first one left, inside of a tunnel."""
    pairs = (*pap(), *at(Stage.INNER))
    code, reply, control = callbacks.authorize(pairs)
    left = {name: value for name, _, value in control}
    assert (code, reply, left["Auth-Type"]) == (2, (), "Accept")

    pairs = (*pap(), *OUTER)
    code, reply, control = callbacks.post_auth((*pairs, (PROVEN, left[PROVEN])))

    assert (code, control) == (2, ())
    assert ("Session-Timeout", ":=", "1800") in reply
    assert [event.reason for event in memory.events] == ["valid"]


# Silence


def answers(callbacks: Any) -> set[Any]:
    """What every callback says to a guest whose PIN is right."""
    pairs = (*pap(), *OUTER)
    return {
        callbacks.authorize(pairs),
        callbacks.authenticate(pairs),
        callbacks.post_auth((*pairs, (PROVEN, "1"))),
        callbacks.authorize(at(Stage.CLIENT)),
        callbacks.authorize(at(Stage.STATUS)),
        callbacks.accounting((*TOLD, ("Acct-Delay-Time", "0"))),
        callbacks.accounting(at(Stage.STATUS)),
    }


def test_before_the_start_nobody_is_answered(callbacks: Any) -> None:
    """rlm_python3: a FAIL is silence, and never a reject or an accept."""
    assert answers(callbacks) == {FAIL}
    assert_plain(callbacks.authorize(()))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Discarded(DiscardReason.STALE), "out of reach for too long"),
        (None, "the key of this store"),
    ],
)
def test_what_is_out_of_reach_ends_in_silence_and_one_line(
    callbacks: Any, memory: Memory, radiusd: Radiusd, trouble: Exception | None, words: str
) -> None:
    """Must 20: the next server is to be asked; a hundred guests are one line."""
    memory.known = trouble or house(visit(pin_sealed=b"another key's"))

    given = {callbacks.authorize((*chap_pairs(), *OUTER)) for _ in range(100)}

    assert given == {FAIL}
    ((level, line),) = radiusd.lines
    assert level == Radiusd.L_WARN
    assert line.startswith(f"nexio: no answer to {ADDRESS}: ")
    assert words in line


def test_without_a_table_nothing_is_answered(callbacks: Any, memory: Memory) -> None:
    """Must 18: nor a Status-Server: it is answered exactly as long as guests are."""
    memory.known = Discarded(DiscardReason.NOT_READ)

    assert answers(callbacks) == {FAIL}
    assert memory.events == []


def test_a_fault_of_ours_ends_in_silence(callbacks: Any, memory: Memory, radiusd: Radiusd) -> None:
    """rlm_python3: an exception would be a reject; the log has its way, and no PIN."""
    memory.known = ZeroDivisionError("a table that cannot be read")

    assert answers(callbacks) == {FAIL}

    assert {level for level, _ in radiusd.lines} == {Radiusd.L_ERR}
    assert radiusd.lines[0][1] == "nexio: a request could not be answered"
    assert "nexio: ZeroDivisionError: a table that cannot be read" in radiusd.text
    assert all("\n" not in line for _, line in radiusd.lines)
    assert PIN not in radiusd.text


def test_a_clock_that_is_broken_ends_in_silence(
    callbacks: Any, radiusd: Radiusd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rlm_python3: whatever raises, and wherever."""

    def broken() -> None:
        raise OSError("no time")

    monkeypatch.setattr(callbacks, "Background", Memory())
    monkeypatch.setattr(callbacks, "utc_now", broken)
    callbacks.instantiate()

    assert answers(callbacks) == {FAIL}
    assert "OSError: no time" in radiusd.text
    assert PIN not in radiusd.text


@pytest.mark.parametrize("pairs", [None, (), (("User-Name",),), ((1, 2),), 7])
def test_pairs_that_are_none_raise_nothing(callbacks: Any, memory: Memory, pairs: Any) -> None:
    """rlm_python3: a request without any attribute comes as None."""
    for call in (callbacks.authorize, callbacks.authenticate, callbacks.post_auth):
        assert_plain(call(pairs))
        assert call(pairs)[0] in {ReturnCode.FAIL, ReturnCode.REJECT}
    assert [event for event in memory.events if event.outcome == "accept"] == []


# The log


def test_the_log_is_freeradiuss(callbacks: Any, memory: Memory, radiusd: Radiusd) -> None:
    """Must 20: by its levels, each line by itself; what is for debugging stays away."""
    log = logging.getLogger("radius_auth.somewhere")
    log.debug("nothing")
    log.info("one\ntwo")
    log.warning("three")
    logging.getLogger("nexio.somewhere").critical("four")

    assert radiusd.lines == [
        (Radiusd.L_INFO, "nexio: one"),
        (Radiusd.L_INFO, "nexio: two"),
        (Radiusd.L_WARN, "nexio: three"),
        (Radiusd.L_ERR, "nexio: four"),
    ]


def test_a_second_start_logs_nothing_twice(
    callbacks: Any, memory: Memory, radiusd: Radiusd
) -> None:
    """Must 20: FreeRADIUS may instantiate a module more than once."""
    callbacks.instantiate()

    logging.getLogger("nexio").warning("once")

    assert radiusd.lines == [(Radiusd.L_WARN, "nexio: once")]


# Start and end


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "'environment'"),
        ({"environment": "/nowhere/at all"}, "/nowhere/at all cannot be read"),
        ({"max_staleness": "soon"}, '"soon"'),
    ],
)
def test_a_wrong_configuration_ends_the_start(
    callbacks: Any, radiusd: Radiusd, config: dict[str, str], words: str
) -> None:
    """rlm_python3: with a line that says what is wrong; nobody is answered then."""
    radiusd.config = {**radiusd.config, **config} if config else {}

    code = callbacks.instantiate()

    assert (type(code), code) == (int, -1)
    ((level, line),) = radiusd.lines
    assert level == Radiusd.L_ERR
    assert words in line
    assert answers(callbacks) == {FAIL}


def test_the_end_of_freeradius_is_ours(callbacks: Any, memory: Memory) -> None:
    """What was decided goes to the disk."""
    code = callbacks.detach()

    assert (type(code), code, memory.stopped) == (int, 2, 1)


def test_an_end_without_a_start_is_none(callbacks: Any) -> None:
    """rlm_python3: FreeRADIUS ends also after a start that failed."""
    code = callbacks.detach()

    assert (type(code), code) == (int, 2)


def test_the_environment_is_read_as_systemd_does(callbacks: Any, tmp_path: Path) -> None:
    """Comments, blanks, quotes, and an equals sign in a value."""
    path = tmp_path / "variables"
    path.write_text(
        "# a comment\n\nNEXIO_HOME=/var/lib/nexio  # here\n"
        "NEXIO_OPERATOR='front desk'\nNEXIO_LOCATION=\"Zoë's\"\nNEXIO_KEY_FILE=\n"
        "NEXIO_DATABASE_URL=postgresql://desk:a=b@db/nexio?x=y\nexport ODD\n",
        encoding="utf-8",
    )

    read = callbacks.read_environment(path)
    del read["NEXIO_CONFIG"]  # that of the tests
    assert read == {
        "NEXIO_HOME": "/var/lib/nexio",
        "NEXIO_OPERATOR": "front desk",
        "NEXIO_LOCATION": "Zoë's",
        "NEXIO_DATABASE_URL": "postgresql://desk:a=b@db/nexio?x=y",
    }


@pytest.mark.parametrize("content", [b"NEXIO_DATABASE_URL='secret", b"NEXIO_HOME=\xff secret"])
def test_an_environment_that_cannot_be_read_is_not_shown(
    callbacks: Any, tmp_path: Path, content: bytes
) -> None:
    """Must 20: there may be a password in it."""
    path = tmp_path / "variables"
    path.write_bytes(content)

    with pytest.raises(InvalidValue, match="cannot be read") as raised:
        callbacks.read_environment(path)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "started"),
    [
        ("freeradius -f -l stdout", 1),
        ("freeradius -Cx -l stdout", 0),
        ("freeradius -xC -d/etc/raddb", 0),
        ("freeradius -d /etc/C -nC", 1),
        ("radiusd --new-option", 1),
    ],
)
def test_a_check_of_the_configuration_touches_nothing(
    callbacks: Any,
    radiusd: Radiusd,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    started: int,
) -> None:
    """``freeradius -C`` beside a running one: only a start reads the store."""
    made, command_line = Memory(), tmp_path / "cmdline"
    command_line.write_text(words.replace(" ", "\0"))
    monkeypatch.setattr(callbacks, "Background", made)
    monkeypatch.setattr(callbacks, "COMMAND_LINE", command_line)
    assert callbacks.instantiate() == 2
    assert made.started == started


# All of it


def test_from_the_store_to_the_store(
    callbacks: Any, radiusd: Radiusd, sqlite_configuration: Configuration
) -> None:
    """The same table, follower, core and spool as the server; real time.

    The first guest is in, and at the end it is recorded.
    """
    with closing(Store.open(sqlite_configuration)) as store:
        location = add_location(store, "Harbour House", "UTC", "visitor-tokens=on")
        with store.write() as work:
            add_nas(work, location, NewNas(name="lobby", address=ADDRESS))
        guest = register(store, location)
        pairs = (*pap(guest.pin, guest.email), *OUTER)

        assert callbacks.instantiate() == 2
        radiusd.wait_for("answering from 1 visits")
        code, _, control = callbacks.authorize(pairs)
        callbacks.detach()

        assert (code, {name for name, _, _ in control}) == (2, {"Auth-Type", *DECIDED})
        with store.read() as work:
            (logged,) = list_events(work, location, limit=10)
        assert (logged.event.visit_id, logged.event.nas) == (guest.id, "lobby")
        assert guest.pin not in radiusd.text
