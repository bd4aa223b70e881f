"""Measures a tap at a busy house: fifty tablets, a queue of visitors, desks with open pages.

One desk registers visitors meanwhile, and two have their page open, which asks for the lists.

``python -m benchmarks.tablets`` prints it; ``make bench`` measures the same.
"""

from __future__ import annotations

import http.client
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from benchmarks.crowd import fill
from nexio.checkin.desks import issue_link, open_link
from nexio.checkin.tablets import pair_at_once
from nexio.configuration import Configuration
from nexio.locations.locations import get_location
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.support.radius.radiusd import environment_of
from tests.support.web.webd import HERE, free_port, is_listened_to

if TYPE_CHECKING:
    from benchmarks.crowd import Visitor

TABLETS: Final = 50
EACH_SECOND: Final = 500 / 60
"""People who come, at even distances: ten times as many as 500 within ten minutes."""

ASKS_EVERY: Final = 3.0
"""Seconds: each tablet asks whether it is still paired, as its page does."""

DESKS: Final = 2
"""Browsers of reception with their page open."""

LOOKS_EVERY: Final = 2.0
"""Seconds: each of them asks who came and went, as its page does."""

REGISTERS_EVERY: Final = 0.5
"""Seconds: between two registrations at the desk."""

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def measure(people: int) -> list[float]:
    """Milliseconds of each tap, the shortest first.  The store is SQLite.

    Raises:
        RuntimeError: somebody was not checked in.
    """
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as home:
        configuration = Configuration.from_environment({"NEXIO_HOME": home})
        create_store(configuration)
        visitors = fill(configuration, people)[:people]
        with closing(Store.open(configuration)) as store, _webd(configuration) as port:
            tablets = [_Tablet(port, credential) for credential in _pair(store)]
            stop = threading.Event()
            beside = [threading.Thread(target=_register, args=(store, stop))]
            beside += [threading.Thread(target=each.ask_on, args=(stop,)) for each in tablets]
            desks = [_Desk(port, _log_in(store)) for _ in range(DESKS)]
            beside += [threading.Thread(target=each.look_on, args=(stop,)) for each in desks]
            for each in beside:
                each.start()
            try:
                taps = sorted(_taps(tablets, visitors))
            finally:
                stop.set()
                for each in beside:
                    each.join()
            if not all(each.saw for each in desks):
                raise RuntimeError("a desk's page saw nothing change")
            return taps


def words(taps: Sequence[float]) -> str:
    """The results as text."""
    late = taps[len(taps) * 99 // 100]
    return (
        f"{len(taps)} people checked in at {TABLETS} tablets, {EACH_SECOND:.1f} a second, on SQLite"
        f" while {DESKS} desks had their page open and one registered a visitor every"
        f" {REGISTERS_EVERY} seconds. A tap took"
        f" {median(taps):.0f} ms (half of them), {late:.0f} ms (99 %), {taps[-1]:.0f} ms (the"
        " longest)."
    )


class _Tablet:
    """A paired tablet."""

    def __init__(self, port: int, credential: str) -> None:
        ours = {"Origin": f"http://{HERE}:{port}", "Cookie": f"nexio-tablet={credential}"}
        self._headers = FORM | ours
        self._port = port

    def tap(self, pin: str) -> float:
        """Check somebody in, and return the milliseconds that it took."""
        began = time.monotonic()
        answer = self._post("/kiosk/tap", urlencode({"code": pin}))
        took = (time.monotonic() - began) * 1e3
        if b"Welcome" not in answer:
            raise RuntimeError(f"the tablet says {answer!r}")
        return took

    def ask_on(self, stop: threading.Event) -> None:
        """Ask every few seconds, from some moment on."""
        wait = ASKS_EVERY * (id(self) % 997) / 997
        while not stop.wait(wait):
            self._post("/kiosk/state", "")
            wait = ASKS_EVERY

    def _post(self, path: str, body: str) -> bytes:
        with closing(http.client.HTTPConnection(HERE, self._port, timeout=60)) as line:
            line.request("POST", path, body, self._headers)
            return line.getresponse().read()


class _Desk:
    """A browser of reception whose page is open."""

    def __init__(self, port: int, credential: str) -> None:
        self._port, self._headers = port, {"Cookie": f"nexio-desk={credential}"}
        self.saw = 0

    def look_on(self, stop: threading.Event) -> None:
        """Ask for the lists if they have changed since the page got them."""
        known = ""
        while not stop.wait(LOOKS_EVERY):
            with closing(http.client.HTTPConnection(HERE, self._port, timeout=60)) as line:
                line.request("GET", "/desk/people", None, {**self._headers, "If-None-Match": known})
                answer = line.getresponse()
                answer.read()
                if answer.status == HTTPStatus.OK:
                    known, self.saw = answer.headers["ETag"], self.saw + 1


def _taps(tablets: list[_Tablet], visitors: list[Visitor]) -> Iterator[float]:
    """Each person comes at a fixed time, even if earlier ones still wait."""
    began = time.monotonic()

    def come(number: int, tablet: _Tablet, pin: str) -> float:
        time.sleep(max(0.0, began + number / EACH_SECOND - time.monotonic()))
        return tablet.tap(pin)

    pins = [each.pin for each in visitors]
    with ThreadPoolExecutor(TABLETS) as crowd:
        yield from crowd.map(come, itertools.count(), itertools.cycle(tablets), pins)


def _register(store: Store, stop: threading.Event) -> None:
    """Register visitors at the desk."""
    for number in itertools.count():
        if stop.wait(REGISTERS_EVERY):
            return
        fields = {"first_name": "Bo", "last_name": "New", "email": f"bo{number}@example.com"}
        with store.write() as work:
            location = get_location(work, "Bench")
            register(work, location, read_registration(fields, work.now, location))


def _pair(store: Store) -> list[str]:
    with store.write() as work:
        location = get_location(work, "Bench")
        return [pair_at_once(work, location) for _ in range(TABLETS)]


def _log_in(store: Store) -> str:
    with store.write() as work:
        _, secret = issue_link(work, get_location(work, "Bench"))
        return open_link(work, secret, HERE) or ""


@contextmanager
def _webd(configuration: Configuration) -> Iterator[int]:
    port = free_port()
    program = Path(sys.executable).with_name("nexio-webd")
    process = subprocess.Popen([program, "--port", str(port)], env=environment_of(configuration))
    try:
        while not is_listened_to(port):
            if process.poll() is not None:
                raise RuntimeError("nexio-webd ended at its start")
        yield port
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    print(words(measure(500)))
