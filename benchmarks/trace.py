"""The path of a login and a registration through the code: ``python -m benchmarks.trace``.

For a device's first login, its next one, a first wrong PIN and a registration it counts the modules
of the project that take part, the calls of their functions, and how many of those cross from one
module into another.  ``--modules`` lists the modules, ``--calls`` each call in its order.  The same
runs for another visitor before it is counted, which fills imports and caches.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from nexio.configuration import Configuration
from nexio.locations.locations import add_location, change_settings, get_location
from nexio.locations.settings import parse_changes
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio_cli.main import main as run_command
from radius_auth.protocol.discards import Discards
from radius_auth.protocol.packet import Attribute
from radius_auth.replica.follower import Follower
from radius_auth.server.responder import Responder
from radius_auth.server.sockets import Source
from tests.support.radius.access_requests import access_request
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from nexio.reception.visits import Visit

    Action = Callable[[], object]

PACKAGES = ("nexio.", "radius_auth.", "nexio_cli.")
SOURCE = Source(0, ("127.0.0.1", 40000))
EMAILS = "ada@example.com", "bob@example.com"


@dataclass
class Journey:
    """The calls of one action, counted while it runs."""

    calls: Counter[str] = field(default_factory=Counter)
    """By called module."""

    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By calling and called module."""

    steps: list[str] = field(default_factory=list)
    """Caller and called function, in the order of the calls."""

    def run(self, action: Callable[[], object]) -> None:
        """Count an action."""
        sys.setprofile(self._note)
        try:
            action()
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not (called := _module(frame)):
            return
        self.calls[called] += 1
        caller = frame.f_back
        while caller is not None and not _module(caller):
            caller = caller.f_back
        begins = "" if caller is None else _function(caller)
        self.steps.append(f"{begins} -> {_function(frame)}")
        if caller is not None and _module(caller) != called:
            self.crossings[_module(caller), called] += 1


def _module(frame: FrameType) -> str:
    name = str(frame.f_globals.get("__name__", ""))
    return name if name.startswith(PACKAGES) else ""


def _function(frame: FrameType) -> str:
    return f"{_module(frame)}.{frame.f_code.co_qualname}"


def main() -> None:
    """Print the journeys."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trace")
    parser.add_argument("--modules", action="store_true", help="list the modules of each")
    parser.add_argument("--calls", action="store_true", help="list the calls of each")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexio-trace-") as folder:
        os.environ["NEXIO_HOME"] = folder
        store = _fill(Configuration.from_environment(os.environ))
        for name, (warm_up, action) in _actions(store).items():
            warm_up()
            journey = Journey()
            journey.run(action)
            _print(name, journey)
            if wanted.modules:
                for module, calls in journey.calls.most_common():
                    print(f"    {calls:5}  {module}")
            if wanted.calls:
                print(*(f"    {step}" for step in journey.steps), sep="\n")
        store.close()


def _fill(configuration: Configuration) -> Store:
    create_store(configuration)
    store = Store.open(configuration)
    with store.write() as work:
        location = add_location(work, "Trace", "UTC")
        change_settings(work, location, parse_changes(["visitor-tokens=on"]))
        add_nas(work, location, NewNas(name="trace", address="127.0.0.1", secret=SECRET.decode()))
    return store


def _register(store: Store, email: str) -> Visit:
    texts = {"first_name": "Ada", "last_name": "Example", "email": email}
    with store.write() as work:
        location = get_location(work, None)
        return register(work, location, read_registration(texts, work.now, location))


def _actions(store: Store) -> dict[str, tuple[Action, Action]]:
    """What is traced, by its name: for one visitor to warm up, and for another one."""
    visits = [_register(store, email) for email in EMAILS]
    follower = Follower(lambda: store, Horizon())
    responder = Responder(follower, 0.0, partial(datetime.now, UTC), Discards())
    at_the_desk = "visitor register --again --first-name Ada --last-name Example --arrival now"

    def log_in(visit: Visit, pin: str, identifier: int) -> Action:
        device: dict[int, list[bytes]] = {
            Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-%02X" % visit.id]
        }
        request = access_request(
            visit.email, pin.encode(), identifier=identifier, attributes=device
        )

        def action() -> None:
            responder.answer([(request, SOURCE)], 0.0)
            responder.make_lines()

        return action

    def register_at_command_line() -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            run_command([*at_the_desk.split(), "--email", EMAILS[0]])

    def both(pin_of: Callable[[Visit], str], number: int) -> tuple[Action, Action]:
        first, second = visits
        return (
            log_in(first, pin_of(first), 2 * number),
            log_in(second, pin_of(second), 2 * number + 1),
        )

    return {
        "first login": both(lambda visit: visit.pin, 0),
        "next login": both(lambda visit: visit.pin, 1),
        "wrong PIN": both(_wrong_pin, 2),
        "registration": (register_at_command_line, register_at_command_line),
    }


def _wrong_pin(visit: Visit) -> str:
    return ("1" if visit.pin[0] == "0" else "0") * len(visit.pin)


def _print(name: str, journey: Journey) -> None:
    print(
        f"{name:14} {len(journey.calls):3} modules {journey.calls.total():5} calls"
        f" {journey.crossings.total():4} crossings"
    )


if __name__ == "__main__":
    main()
