"""Requests of ``nexio visitor register``: as typed, as read, and compared with a repetition."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nexio_cli.terminal import asking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nexio.input.arrivals import Expected
    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.reception.registration import Repetition
    from nexio.reception.registration_texts import Allowed, Registration
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading, Store, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A registration as it was asked for."""

    texts: Mapping[str, str | None] = field(repr=False)
    """As of ``read_registration``."""

    allowed: Allowed
    by: str | None
    check_in_now: bool
    again: bool
    key: str | None

    def look_over(self, work: Reading, location: Location) -> Expected | None:
        """When the visitor is expected; None where this is a repetition.

        Raises:
            InvalidValue, Refused: it cannot succeed, whoever the visitor is.
        """
        from nexio.input.arrivals import parse_expected
        from nexio.locations.locations import zone_for_entry
        from nexio.reception.registration import find_repeated, refuse_useless

        host = self._host(work, location)
        incomplete = asking.is_incomplete(self.texts)
        # Before anything is read as of now: "14:00" of a repetition may have passed.
        if not incomplete and find_repeated(work, location, self._repetition(location, host)):
            return None
        when = self.texts["expected_arrival"]
        expected = parse_expected(
            "now" if when is None else when, work.now, zone_for_entry(location)
        )
        if incomplete:
            seen = asking.with_stand_ins(self.texts)
            refuse_useless(work, location, self._read(seen, work.now, location, host))
        return expected

    def complete(self, store: Store, location_name: str | None) -> Asked:
        """The same with what was left out: names, an address and the arrival, as they are typed.

        Raises:
            InvalidValue: what was given cannot be read.
        """
        from nexio.reception.registration import Repetition, look_over

        at_the_door = self.texts["source"] == "walk-in" or self.check_in_now
        asks = asking.is_incomplete(self.texts) and not at_the_door
        named = replace(self, texts=asking.ask_person(self.texts))
        if not asks or self.texts["expected_arrival"] is not None:
            return named
        texts = dict(named.texts)

        def read(work: Reading, location: Location, arrival: str) -> None:
            texts["expected_arrival"] = arrival
            registration = self._read(texts, work.now, location, self._host(work, location))
            look_over(work, location, registration, Repetition(again=self.again, key=self.key))

        asking.ask_arrival(store, location_name, read)
        return replace(named, texts=texts)

    def register(self, work: Writing, location: Location) -> Visit:
        """Register the visitor, or find who was registered by the same key.

        Raises:
            InvalidValue, Refused: as of ``read_registration`` and ``register``.
        """
        from nexio.reception.registration import find_repeated, register

        host = self._host(work, location)
        repetition = self._repetition(location, host)
        known = find_repeated(work, location, repetition)
        if known is not None:
            return known
        registration = self._read(self.texts, work.now, location, host)
        return register(work, location, registration, repetition)

    def _host(self, work: Reading, location: Location) -> Member | None:
        from nexio.reception.members import get_member

        return None if self.by is None else get_member(work, self.by, location.name)

    def _read(
        self,
        texts: Mapping[str, str | None],
        now: datetime,
        location: Location,
        host: Member | None,
    ) -> Registration:
        from nexio.reception.registration_texts import read_registration

        return read_registration(texts, now, location, host, self.allowed)

    def _repetition(self, location: Location, host: Member | None) -> Repetition:
        from nexio.reception.registration import Repetition
        from nexio.reception.registration_texts import meaning_of

        def means(now: datetime) -> str:
            registration = self._read(self.texts, now, location, host)
            return meaning_of(registration, check_in_now=self.check_in_now)

        return Repetition(again=self.again, key=self.key, words=self._words, means=means)

    @property
    def _words(self) -> str:
        """What was given, always in the same order."""
        values = {**self.texts, "by": self.by, "check_in_now": self.check_in_now or None}
        given = {name: value for name, value in values.items() if value is not None}
        return json.dumps(given, sort_keys=True, ensure_ascii=False)
