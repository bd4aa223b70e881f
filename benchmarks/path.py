"""Measures a login without sockets and without a store: ``python -m benchmarks.path``.

Prints microseconds of CPU from a datagram to its reply and its tuple for the log, with 100,000
visits in memory.  An optimisation of the path has to improve one of these figures.  Then it prints
how an accept and a reject divide into their steps (``steps.py``), with the system calls.
"""

from __future__ import annotations

import hmac
import ipaddress
import itertools
import os
import random
import struct
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.steps import Stopwatch, as_lines, of_digests, of_system_calls
from nexio.clock import utc_now
from nexio.keys.keyring import Keyring
from nexio.locations.locations import Location
from nexio.locations.settings import Settings
from nexio.network.following import FollowedVisit, Horizon, News, Position
from nexio.network.guard_acts import packed, unpacked
from nexio.network.nas import Nas
from nexio.reception.visits import PIN_PURPOSE
from radius_auth.companion.memory import freeze_memory
from radius_auth.guard import Guard
from radius_auth.guard.siblings import Siblings, shared_memory
from radius_auth.protocol.authenticators import md5
from radius_auth.protocol.discards import Discards
from radius_auth.replica.table import Table
from radius_auth.server.datagrams import AT_ONCE
from radius_auth.server.responder import Responder
from radius_auth.server.sockets import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from nexio.network.guard_acts import Act


VISITS: Final = 100_000
LOGINS: Final = 4_096
"""Of each kind in a round: those of 16 sockets, each of which has 256 Identifiers."""

SECRET: Final = b"a secret of the hotel"
KEYRING: Final = Keyring.of({"00000001": b"k" * 32}, "00000001")
SOURCES: Final = [Source(3, ("127.0.0.1", 40000 + number)) for number in range(16)]


class Known:
    """The table of the server."""

    def __init__(self, visits: int, secret: bytes = SECRET) -> None:
        self.age = timedelta()
        self.table = Table(KEYRING)
        house = Location(id=1, name="House", time_zone="UTC", settings=Settings())
        nas = Nas(
            id=1,
            name="ap-1",
            address=ipaddress.ip_network("127.0.0.1"),
            location=house,
            secret=secret,
            ssid=None,
            identifier=None,
            require_message_authenticator=True,
            limit_proxy_state=True,
        )
        now = utc_now()
        news = News(
            position=Position(epoch="bench", number=0),
            complete=True,
            visits=[visit(number, now) for number in range(visits)],
            locations=[house],
            nas=[nas],
            removed_visits=[],
        )
        self.table.apply(news, Horizon(), now)


def email(number: int) -> bytes:
    """The e-mail of a visitor."""
    return b"visitor.%d@example.com" % number


def pin(number: int) -> bytes:
    """The PIN of a visitor."""
    return b"%08d" % (number * 37 % 10**8)


def visit(number: int, now: datetime) -> FollowedVisit:
    """A visit whose window is open."""
    return FollowedVisit(
        id=number,
        location_id=1,
        email_key=email(number).decode(),
        pin_digest=KEYRING.digest(1, pin(number).decode()),
        pin_sealed=KEYRING.seal(pin(number).decode(), PIN_PURPOSE),
        opens_at=now - timedelta(hours=12),
        closes_at=now + timedelta(hours=12),
        deleted_at=None,
        replaced=False,
        token_id=number + 1,
        valid_from=now - timedelta(hours=1),
        valid_until=now + timedelta(hours=8),
        revoked_at=None,
    )


def request(
    number: int, identifier: int, typed: bytes, *, chap: bool = False, secret: bytes = SECRET
) -> bytes:
    """An Access-Request of twelve attributes, as a controller sends it."""
    authenticator = os.urandom(16)
    if chap:
        challenge = os.urandom(16)
        proof = attribute(3, b"\7" + md5(b"\7" + typed + challenge).digest())
        proof += attribute(60, challenge)
    else:
        pad = md5(secret + authenticator).digest()
        clear = typed.ljust(16, b"\0")
        proof = attribute(2, bytes(a ^ b for a, b in zip(clear, pad, strict=True)))
    attributes = b"".join(
        [
            attribute(1, email(number)),
            proof,
            attribute(4, b"\xc0\0\2\1"),
            attribute(5, struct.pack("!I", number)),
            attribute(6, struct.pack("!I", 2)),
            attribute(12, struct.pack("!I", 1400)),
            attribute(30, b"02-00-00-00-00-FF:Guests"),
            attribute(31, device(number)),
            attribute(32, b"controller-1"),
            attribute(44, b"%016x" % number),
            attribute(61, struct.pack("!I", 19)),
        ]
    )
    length = 20 + len(attributes) + 18
    head = struct.pack("!BBH", 1, identifier, length) + authenticator + attributes + b"\x50\x12"
    return head + hmac.digest(secret, head + bytes(16), "md5")


def attribute(kind: int, value: bytes) -> bytes:
    """Type, length and value."""
    return bytes([kind, 2 + len(value)]) + value


def device(number: int) -> bytes:
    """The Calling-Station-Id of a visitor."""
    return b"02-00-00-%02X-%02X-%02X" % tuple(number.to_bytes(3))


def prepared(
    typed: Callable[[int], bytes], visitors: Iterator[int], *, chap: bool = False
) -> list[tuple[bytes, Source]]:
    """Requests of the next visitors, from all sources and with all Identifiers."""
    places = itertools.product(range(256), SOURCES)
    return [
        (request(number, identifier, typed(number), chap=chap), source)
        for (identifier, source), number in zip(places, visitors, strict=False)
    ]


def measure(
    responder: Responder, guard: Guard, load: Sequence[tuple[bytes, Source]], now: float
) -> float:
    """Microseconds of CPU for each request, with its event, and with its reject where it is one."""
    began = time.process_time()
    for start in range(0, len(load), AT_ONCE):
        responder.answer(load[start : start + AT_ONCE], now)
        guard.finish()
        responder.make_lines()
    for _ in responder.due(now + 10):
        pass
    responder.take_events()
    return (time.process_time() - began) / len(load) * 1e6


def hear(other: Guard, acts: Sequence[Act]) -> float:
    """Microseconds of CPU for each guess that another worker applies."""
    packed_acts = packed(acts)
    began = time.process_time()
    other.apply(unpacked(packed_acts))
    return (time.process_time() - began) / len(acts) * 1e6


def begin(visits: int, reject_delay: float) -> tuple[Responder, Guard]:
    """A responder and its guard, as in one of two workers."""
    guard = Guard(Siblings(shared_memory(2), workers=2, index=0))
    responder = Responder(Known(visits), reject_delay, utc_now, Discards(), guard=guard)
    freeze_memory()
    return responder, guard


def rounds(visits: int = VISITS, count: int = 5) -> dict[str, list[float]]:
    """Each kind of login in turn, `count` times."""
    responder, guard = begin(visits, reject_delay=1.0)
    other = Guard()
    found: dict[str, list[float]] = {}
    new = iter(random.sample(range(visits), visits))
    wrong = iter(random.sample(range(visits), visits))
    now = time.monotonic()

    def take(kind: str, load: Sequence[tuple[bytes, Source]]) -> None:
        nonlocal now
        found.setdefault(kind, []).append(measure(responder, guard, load, now))
        now += 20

    for _ in range(count):
        again = list(itertools.islice(new, LOGINS))
        take("accept, new device", prepared(pin, iter(again)))
        load = prepared(pin, iter(again))
        take("accept, known device", load)
        now -= 20
        take("duplicate", load)
        take("CHAP accept", prepared(pin, iter(again), chap=True))
        before = guard.latest_serial()
        take("reject, wrong PIN", prepared(lambda _: b"00000000", wrong))
        found.setdefault("hear of a guess", []).append(hear(other, guard.news_after(before)))
    return found


def steps(visits: int = VISITS, count: int = 5) -> dict[str, dict[str, float]]:
    """Microseconds by step, of the quickest of `count` rounds.

    Looking at the clock makes each step slower, so the steps share the time of the same logins
    without it.
    """
    responder, guard = begin(visits, reject_delay=0.0)
    numbers = iter(random.sample(range(visits), visits))
    now = time.monotonic()
    whole: dict[str, float] = {}
    found: dict[str, dict[str, float]] = {}

    def take(load: Sequence[tuple[bytes, Source]]) -> float:
        nonlocal now
        now += 40
        return measure(responder, guard, load, now)

    for _ in range(count):
        bare, timed = (list(itertools.islice(numbers, LOGINS // 2)) for _ in range(2))
        take(prepared(pin, iter(bare + timed)))
        for kind, typed in (
            ("accept, known device", pin),
            ("reject, wrong PIN", lambda _: b"00000000"),
        ):
            taken = take(prepared(typed, iter(bare)))
            whole[kind] = min(taken, whole.get(kind, taken))
            load = prepared(typed, iter(timed))
            with Stopwatch() as watch:
                seconds = take(load) * len(load) / 1e6
            divided = watch.divide(seconds)
            if kind not in found or sum(divided.values()) < sum(found[kind].values()):
                found[kind] = divided
    return {
        kind: {step: each * whole[kind] / sum(steps.values()) for step, each in steps.items()}
        for kind, steps in found.items()
    }


def main() -> None:
    """Print the median and the least of each kind, then the steps."""
    given = [int(each) for each in sys.argv[1:]]
    for kind, figures in rounds(*given).items():
        ordered = sorted(figures)
        print(f"{kind:22} {ordered[len(ordered) // 2]:6.1f} us, at least {ordered[0]:6.1f}")
    octets = [each for each, _ in prepared(pin, iter(range(given[0] if given else VISITS)))]
    calls = of_system_calls(octets)
    for kind, found in steps(*given).items():
        print(kind, *as_lines({**calls, **found}), sep="\n")
    print(f"all digests of an accept alone {of_digests(KEYRING, SECRET, octets[0]):6.2f} us")


if __name__ == "__main__":
    main()
