"""Visits, NAS and tables of a RADIUS server, made in memory."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nexio.keys.keyring import Keyring
from nexio.locations.locations import Location
from nexio.locations.settings import Settings
from nexio.network.following import FollowedVisit, Horizon, News, Position
from nexio.network.nas import Nas
from nexio.reception.visits import PIN_PURPOSE
from radius_auth.decision.decide import Request
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.replica.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radius_auth.decision.passwords import Password

KEYRING = Keyring.of({"00000001": b"k" * 32}, "00000001")
SECRET = b"a secret of the hotel"

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""When the window of `visit` opens: 09:00 in London, too."""

TEN = NINE + HOUR
EMAIL = "zoe@example.com"
PIN = "482913"
OTHER_PIN = "004711"

HOUSE = Location(id=1, name="Harbour House", time_zone="Europe/London", settings=Settings())
ANNEX = Location(id=2, name="Annex", time_zone="Europe/Berlin", settings=Settings())


def with_settings(location: Location, **settings: Any) -> Location:
    """The location with other settings."""
    return replace(location, settings=replace(location.settings, **settings))


def visit(
    number: int = 1, *, email: str = EMAIL, pin: str = PIN, location: int = 1, **changes: Any
) -> FollowedVisit:
    """A visit with a token for 09:00 to 10:00, or with ``changes``."""
    made = FollowedVisit(
        id=number,
        location_id=location,
        email_key=email,
        pin_digest=KEYRING.digest(location, pin),
        pin_sealed=KEYRING.seal(pin, PIN_PURPOSE),
        opens_at=NINE - 9 * HOUR,
        closes_at=NINE + 15 * HOUR,
        deleted_at=None,
        replaced=False,
        token_id=100 + number,
        valid_from=NINE,
        valid_until=TEN,
        revoked_at=None,
    )
    return made._replace(**changes)


def nas(number: int = 1, address: str = "127.0.0.1", **changes: Any) -> Nas:
    """A NAS of Harbour House, or with ``changes``."""
    made = Nas(
        id=number,
        name=f"ap-{number}",
        address=ipaddress.ip_network(address),
        location=HOUSE,
        secret=SECRET,
        ssid=None,
        identifier=None,
        require_message_authenticator=True,
        limit_proxy_state=True,
    )
    return replace(made, **changes)


def table_of(
    *visits: FollowedVisit,
    locations: Iterable[Location] = (HOUSE, ANNEX),
    nas_entries: Iterable[Nas] = (),
) -> Table:
    """A table of these visits, of any time."""
    table = Table(KEYRING)
    always = Horizon(past=timedelta(days=10_000), ahead=timedelta(days=10_000))
    news = News(
        position=Position(epoch="tests", number=0),
        complete=True,
        visits=visits,
        locations=list(locations),
        nas=list(nas_entries),
        removed_visits=[],
    )
    table.apply(news, always, NINE)
    return table


def request(password: Password | None, user_name: str = EMAIL, **changes: Any) -> Request:
    """A guest at Harbour House, or as ``changes`` say."""
    return Request(nas=nas(), user_name=user_name.encode(), password=password)._replace(**changes)


def pap(typed: str = PIN) -> Pap:
    """A password that the server can read."""
    return Pap(typed.encode())


def chap(pin: str = PIN, challenge: bytes = b"c" * 16) -> Chap:
    """A NAS's CHAP response for a guest who typed ``pin``."""
    response = hashlib.md5(b"\x07" + pin.encode() + challenge).digest()
    return Chap(ident=7, response=response, challenge=challenge)
