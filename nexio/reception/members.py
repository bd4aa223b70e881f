"""Members: people who work here; they host visitors and have a PIN of their own (R21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input.addresses import email_key, parse_email
from nexio.input.names import full_name, parse_full_name, quoted, search_key
from nexio.keys.purposes import MEMBER_PIN
from nexio.locations.locations import Location, get_location, location_of
from nexio.outbox.outbox import Template, queue_mail
from nexio.reception.pins import new_pin, store_pin
from nexio.reception.sealed_pins import pin_of
from nexio.store import audit, tables
from nexio.store.engine import Reading, Writing
from nexio.store.tables import CheckInRow, LocationRow, MemberRow, parse_number

PIN_PURPOSE = MEMBER_PIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who works at a location."""

    id: int
    first_name: str
    last_name: str
    email: str
    location: Location
    pin: str = field(repr=False)

    @property
    def name(self) -> str:
        """First and last name."""
        return full_name(self.first_name, self.last_name)


def add_member(
    work: Writing,
    location: Location,
    texts: Mapping[str, str | None],
    *,
    send_pin: bool,
    insecure_short_pin: bool = False,
) -> Member:
    """Add a member with a PIN that is live as long as the member is (R7).

    Args:
        work: the transaction.
        location: where.
        texts: first_name, last_name, email, and optionally pin.
        send_pin: whether to mail the PIN.
        insecure_short_pin: accept a PIN that is easy to guess.

    Raises:
        InvalidValue: a name, address or PIN that is not allowed.
        Refused: the address belongs to a member here, or there is no free PIN.
    """
    first_name, last_name = parse_full_name(
        texts.get("first_name") or "", texts.get("last_name") or ""
    )
    email = parse_email(texts.get("email") or "")
    _refuse_known(work, location, email)
    pin = new_pin(work, location, texts.get("pin"), insecure_short_pin=insecure_short_pin)
    row = MemberRow(
        location=work.session.get_one(LocationRow, location.id),
        first_name=first_name,
        last_name=last_name,
        email=email,
        email_key=email_key(email),
        pin_sealed=work.keyring.seal(pin.digits, PIN_PURPOSE),
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    store_pin(work, row, pin.digest, len(pin.digits))
    if send_pin:
        queue_mail(work, Template.MEMBER_PIN, member_id=row.id)
    audit.record(work, "add", "member", row.id)
    return member_of(work, row)


def edit_member(work: Writing, member_id: int, texts: Mapping[str, str | None]) -> Member:
    """Correct a member's name or address; the PIN stays.

    Raises:
        InvalidValue: nothing to change, or a value that is not allowed.
        Refused: the address belongs to another member here.
    """
    given = {name: text for name, text in texts.items() if text is not None}
    if not given:
        raise InvalidValue("nothing to change", "Give at least one of the options.")
    row = work.session.get_one(MemberRow, member_id)
    row.first_name, row.last_name = parse_full_name(
        given.get("first_name", row.first_name), given.get("last_name", row.last_name)
    )
    if "email" in given:
        email = parse_email(given["email"])
        if email_key(email) != row.email_key:
            _refuse_known(work, location_of(row.location), email)
        row.email, row.email_key = email, email_key(email)
    audit.record(work, "edit", "member", row.id, {"changed": sorted(given)})
    return member_of(work, row)


def set_pin(
    work: Writing,
    member_id: int,
    pin_text: str | None,
    *,
    send_pin: bool,
    insecure_short_pin: bool = False,
) -> Member:
    """Give a member a new PIN, drawn if none is given; the old one is free at once.

    Raises:
        InvalidValue: not a PIN.
        Refused: it belongs to somebody else here, or is too easy to guess.
    """
    row = work.session.get_one(MemberRow, member_id)
    location = location_of(row.location)
    pin = new_pin(work, location, pin_text, insecure_short_pin=insecure_short_pin)
    row.pin_sealed = work.keyring.seal(pin.digits, PIN_PURPOSE)
    work.session.execute(delete(tables.PinRow).where(tables.PinRow.member_id == row.id))
    store_pin(work, row, pin.digest, len(pin.digits))
    if send_pin:
        queue_mail(work, Template.MEMBER_PIN, member_id=row.id)
    audit.record(work, "set-pin", "member", row.id)
    return member_of(work, row)


def remove_member(work: Writing, member_id: int) -> Member:
    """Remove a member with PIN and pass, and check them out if they are in.

    Visits that they host stay.
    """
    row = work.session.get_one(MemberRow, member_id)
    member = member_of(work, row)
    row.removed_at = work.now
    work.session.execute(delete(tables.PinRow).where(tables.PinRow.member_id == row.id))
    work.session.execute(
        delete(tables.MemberPassRow).where(tables.MemberPassRow.member_id == row.id)
    )
    work.session.execute(  # nobody could check them out any more: the PIN is gone
        update(CheckInRow)
        .where(
            CheckInRow.member_id == row.id,
            CheckInRow.out_at.is_(None),
            CheckInRow.cut_off_at > work.now,
        )
        .values(out_at=work.now, out_method="desk")
    )
    audit.record(work, "remove", "member", row.id)
    return member


def list_members(work: Reading, location: Location) -> list[Member]:
    """The members of a location by name, in the same order on every database."""
    rows = work.session.scalars(
        select(MemberRow).where(
            MemberRow.location_id == location.id, MemberRow.removed_at.is_(None)
        )
    )
    return sorted((member_of(work, row) for row in rows), key=_by_name)


def get_member(work: Reading, which: str, location_name: str | None) -> Member:
    """The member that a person means by number or e-mail.

    Raises:
        NotFound: no such member.
    """
    row = _find_row(work, which, location_name)
    if row is None or row.removed_at is not None:
        raise no_such_member(which)
    return member_of(work, row)


def no_such_member(which: str) -> NotFound:
    """The error for a number or an address without a member."""
    return NotFound(f"there is no member {quoted(which)}", "See them with: nexio member list")


def find_member(work: Reading, number: int) -> Member | None:
    """The member of that number; None if there is none, or they were removed."""
    row = work.session.get(MemberRow, number)
    return None if row is None or row.removed_at is not None else member_of(work, row)


def find_member_by_email(work: Reading, location: Location, email: str) -> Member | None:
    """The member of an address at a location, or None."""
    row = _active_row(work, location, email)
    return None if row is None else member_of(work, row)


def member_of(work: Reading, row: MemberRow) -> Member:
    """Make a member from a row, detached from the store and with the PIN decrypted."""
    return Member(
        **row.fields_of(Member),
        location=location_of(row.location),
        pin=pin_of(work, row, PIN_PURPOSE),
    )


def _by_name(member: Member) -> tuple[str, str, int]:
    return search_key(member.last_name), search_key(member.first_name), member.id


def _find_row(work: Reading, which: str, location_name: str | None) -> MemberRow | None:
    number = parse_number(which)
    if number is not None:
        return work.session.get(MemberRow, number)
    return _active_row(work, get_location(work, location_name), which)


def _active_row(work: Reading, location: Location, email: str) -> MemberRow | None:
    return work.session.scalar(
        select(MemberRow).where(
            MemberRow.location_id == location.id,
            MemberRow.email_key == email_key(email),
            MemberRow.removed_at.is_(None),
        )
    )


def _refuse_known(work: Reading, location: Location, email: str) -> None:
    known = _active_row(work, location, email)
    if known is not None:
        raise Refused(
            f"the address {email} belongs to member {known.id} already",
            "Change that one: nexio member edit",
        )
