"""The JSON of each thing; ``json_types.py`` says what its keys mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from nexio.input.zones import iso

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.checkin.days import Person
    from nexio.checkin.desks import Desk
    from nexio.checkin.offline_taps import OfflineTap
    from nexio.checkin.tablets import Tablet
    from nexio.checkin.taps import Tap
    from nexio.checkin.today import Today
    from nexio.input.reply_settings import Replies
    from nexio.locations.locations import Location
    from nexio.mail.texts import MailText
    from nexio.network.devices import Device
    from nexio.network.event_log import LoggedEvent
    from nexio.network.nas import Nas
    from nexio.network.nas_profiles import NasProfile
    from nexio.network.nas_signatures import Signatures, Signing
    from nexio.network.servers import Server
    from nexio.network.sessions import WifiSession
    from nexio.outbox.outbox import Mail
    from nexio.reception.members import Member
    from nexio.reception.tokens import Token
    from nexio.reception.visits import Visit
    from nexio.store.audit_entries import Entry
    from nexio_cli.terminal.json_types import (
        AuditJson,
        DecisionJson,
        DeskJson,
        DevicesJson,
        HeldTokenJson,
        LocationJson,
        MailJson,
        MailTextJson,
        MemberJson,
        NasJson,
        NasProfileJson,
        OfflineTapJson,
        PersonJson,
        ReplySettingJson,
        ServerJson,
        SessionJson,
        SignaturesJson,
        TabletJson,
        TapJson,
        TodayJson,
        TokenJson,
        VisitJson,
        WaitJson,
    )
    from radius_auth.guard.desk import Wait


def visit_json(visit: Visit) -> VisitJson:
    """A visit with its PIN, as the desk needs it."""
    zone = visit.location.zone
    return {
        "id": visit.id,
        "first_name": visit.first_name,
        "last_name": visit.last_name,
        "email": visit.email,
        "host": visit.host,
        "location": visit.location.name,
        "source": visit.source,
        "expected_arrival": iso(visit.expected_arrival, zone),
        "pin": visit.pin,
        "state": visit.state,
        "token": None if visit.token is None else token_json(visit.token, zone),
        "mail": visit.mail,
        "replaces": visit.replaces,
        "login": visit.login,
        "group": visit.group,
        "company": visit.company,
        "phone": visit.phone,
        "notes": visit.notes,
        "created": iso(visit.registered_at, zone),
        "by": visit.registered_by,
        "check_ins": [
            {
                "in": iso(each.in_at, zone),
                "out": None if each.out_at is None else iso(each.out_at, zone),
                "cut_off": each.cut_off,
            }
            for each in visit.check_ins
        ],
        "language": visit.language,
    }


def mail_text_json(name: str, language: str, text: MailText) -> MailTextJson:
    """The text of a mail."""
    return {"template": name, "language": language, "own": text.is_own, "text": text.source}


def devices_json(visit: Visit, devices: list[Device]) -> DevicesJson:
    """The devices of a visit."""
    zone = visit.location.zone
    return {
        "visit": visit.id,
        "max_devices": None if visit.token is None else visit.token.max_devices,
        "devices": [
            {
                "device": each.mac,
                "first_at": iso(each.first_at, zone),
                "last_at": iso(each.last_at, zone),
                "randomised": each.is_randomised,
                "counts": each.holds_slot,
                "freed_at": None if each.freed_at is None else iso(each.freed_at, zone),
            }
            for each in devices
        ],
    }


def token_json(token: Token, zone: ZoneInfo) -> TokenJson:
    """An access token."""
    return {
        "id": token.id,
        "valid_from": None if token.valid_from is None else iso(token.valid_from, zone),
        "valid_until": None if token.valid_until is None else iso(token.valid_until, zone),
        "state": token.state,
    }


def held_token_json(visit: Visit) -> HeldTokenJson:
    """An access token, and who holds it; the visit has one."""
    return {
        **token_json(cast("Token", visit.token), visit.location.zone),
        "visit": visit.id,
        "first_name": visit.first_name,
        "last_name": visit.last_name,
        "email": visit.email,
        "location": visit.location.name,
    }


def location_json(location: Location) -> LocationJson:
    """A location without its settings."""
    return {
        "id": location.id,
        "name": location.name,
        "time_zone": location.time_zone,
        "reply": replies_json(location.reply or ()),
    }


def replies_json(replies: Replies) -> list[ReplySettingJson]:
    """The attributes of accepts of a place."""
    return [
        {"source": each.source or None, "name": each.name, "value": each.value} for each in replies
    ]


def reply_words(replies: Replies) -> list[str]:
    """The same as texts, in the form of ``--reply``."""
    return [f"{each.key}={each.value}" for each in replies]


def profile_json(profile: NasProfile) -> NasProfileJson:
    """The known facts of a kind of NAS."""
    return {
        "name": profile.name,
        "title": profile.title,
        "disconnect_port": profile.disconnect_port,
        "identified_by": sorted(profile.identified_by or ()),
        "bare_nak_is_gone": profile.bare_nak_is_gone,
        "counts": profile.counts,
        "bandwidth": profile.bandwidth,
        "role": list(profile.role),
        "sends": dict(profile.sends),
        "facts": [{"says": fact.says, "source": fact.source} for fact in profile.facts],
        "tried": profile.tried,
        "unknown": profile.unknown,
    }


def member_json(member: Member) -> MemberJson:
    """A member with the PIN, as the desk needs it."""
    return {
        "id": member.id,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "email": member.email,
        "location": member.location.name,
        "pin": member.pin,
    }


def tap_json(tap: Tap) -> TapJson:
    """A check-in or a check-out."""
    return {
        "direction": tap.direction,
        "kind": tap.kind,
        "id": tap.id,
        "name": tap.name,
        "at": iso(tap.at, tap.location.zone),
        "location": tap.location.name,
        "method": tap.method,
        "cut_off": tap.cut_off,
        "host": tap.host,
        "company": tap.company,
        "phone": tap.phone,
        "tap": tap.number,
    }


def today_json(today: Today) -> TodayJson:
    """The day of a location."""
    zone, day = today.location.zone, today.day

    def people(them: Iterable[Person]) -> list[PersonJson]:
        return [_person_json(each, zone) for each in them]

    return {
        "location": today.location.name,
        "at": iso(today.at, zone),
        "expected": people(day.expected),
        "inside": people(day.inside),
        "left": people(each for each in day.left if not each.cut_off),
        "never_out": people(day.never_out),
        "mail": [mail_json(each, today.location) for each in today.undelivered],
        "refused": [
            {
                "at": iso(each.at, zone),
                "visit": each.visit_id,
                "name": each.name,
                "user_name": each.user_name,
                "device": each.device,
                "nas": each.nas,
                "reason": each.reason,
                "count": each.count,
            }
            for each in today.refusals
        ],
    }


def _person_json(person: Person, zone: ZoneInfo) -> PersonJson:
    return {
        "kind": person.kind,
        "id": person.id,
        "name": person.name,
        "at": iso(person.at, zone),
        "host": person.host,
        "company": person.company,
        "phone": person.phone,
        "notes": person.notes,
    }


def tablet_json(tablet: Tablet) -> TabletJson:
    """A tablet at the door."""
    zone = tablet.location.zone
    return {
        "id": tablet.id,
        "name": tablet.name,
        "location": tablet.location.name,
        "paired_at": iso(tablet.paired_at, zone),
        "seen_at": None if tablet.seen_at is None else iso(tablet.seen_at, zone),
        "seen_from": tablet.seen_from,
    }


def desk_json(desk: Desk) -> DeskJson:
    """A browser of reception."""
    zone = desk.location.zone
    return {
        "id": desk.id,
        "name": desk.name,
        "location": desk.location.name,
        "linked_at": iso(desk.linked_at, zone),
        "ends_at": iso(desk.ends_at, zone),
        "seen_at": iso(desk.seen_at, zone),
        "seen_from": desk.seen_from,
    }


def offline_tap_json(tap: OfflineTap) -> OfflineTapJson:
    """A tap that reception has to look at."""
    zone = tap.location.zone
    return {
        "id": tap.id,
        "tablet": tap.tablet,
        "location": tap.location.name,
        "at": None if tap.at is None else iso(tap.at, zone),
        "delivered_at": iso(tap.delivered_at, zone),
        "visit": tap.visit,
        "name": tap.name,
        "why": tap.why,
        "words": tap.words,
    }


def mail_json(mail: Mail, location: Location) -> MailJson:
    """A mail without its text."""
    zone = location.zone
    return {
        "id": mail.id,
        "template": mail.template,
        "to": None if mail.to is None else mail.to.address,
        "name": None if mail.to is None else mail.to.name,
        "visit": mail.visit_id,
        "member": mail.member_id,
        "state": mail.state,
        "attempts": mail.attempts,
        "created_at": iso(mail.created_at, zone),
        "next_try_at": None if mail.next_try_at is None else iso(mail.next_try_at, zone),
        "sent_at": None if mail.sent_at is None else iso(mail.sent_at, zone),
        "answer": mail.answer,
    }


def nas_json(nas: Nas) -> NasJson:
    """A NAS without its secret."""
    return {
        "id": nas.id,
        "name": nas.name,
        "address": address_words(nas),
        "location": nas.location.name,
        "ssid": nas.ssid,
        "identifier": nas.identifier,
        "require_message_authenticator": nas.require_message_authenticator,
        "limit_proxy_state": nas.limit_proxy_state,
        "disconnect_host": nas.disconnect_host,
        "disconnect_port": nas.disconnect_port,
        "disconnect_source": nas.disconnect_source,
        "takes_disconnects": nas.takes_disconnects,
        "profile": nas.profile,
        "counts": nas.counts,
        "reply": replies_json(nas.reply),
    }


def server_json(server: Server, *, shares_guesses: bool) -> ServerJson:
    """A server, as it was when it last said something."""
    identity, report, utc = server.identity, server.report, ZoneInfo("UTC")
    return {
        "id": server.id,
        "name": identity.name,
        "kind": identity.kind,
        "host": identity.host,
        "place": identity.place,
        "version": report.version,
        "state": server.state,
        "started_at": iso(report.started_at, utc),
        "seen_at": iso(server.seen_at, utc),
        "table_age_seconds": round(server.table_age.total_seconds(), 1),
        "requests_per_second": round(report.requests, 2),
        "spool_records": report.spooled,
        "spool_oldest_seconds": round(report.spool_age, 1),
        "clock_ahead_seconds": None if report.clock_off is None else round(report.clock_off, 3),
        "shares_guesses": shares_guesses,
    }


def signatures_json(counted: Signatures | None, signing: Signing) -> SignaturesJson:
    """Whether a NAS signs what it asks."""

    def at(instant: datetime | None) -> str | None:
        return None if instant is None else iso(instant, ZoneInfo("UTC"))

    return {
        "state": signing.value,
        "since": at(counted.since if counted else None),
        "signed": counted.signed if counted else 0,
        "unsigned": counted.unsigned if counted else 0,
        "signed_at": at(counted.signed_at if counted else None),
        "unsigned_at": at(counted.unsigned_at if counted else None),
    }


def event_json(logged: LoggedEvent, location: Location | None, server: str | None) -> DecisionJson:
    """A decision; one of no location is shown in UTC."""
    zone = location.zone if location is not None else ZoneInfo("UTC")
    event = logged.event
    return {
        "id": logged.number,
        "at": iso(event.at, zone),
        "user_name": event.user_name,
        "device": event.device,
        "nas": event.nas,
        "location": None if location is None else location.name,
        "outcome": event.outcome,
        "reason": event.reason,
        "latency_us": event.latency_us,
        "server": server,
    }


def audit_json(entry: Entry, zone: ZoneInfo) -> AuditJson:
    """What somebody did."""
    return {
        "id": entry.id,
        "at": iso(entry.at, zone),
        "operator": entry.operator,
        "action": entry.action,
        "subject": entry.subject,
        "subject_id": entry.subject_id,
        "details": entry.details,
    }


def session_json(session: WifiSession, location: Location | None) -> SessionJson:
    """A session on the Wi-Fi; one of no location is shown in UTC."""
    zone = location.zone if location is not None else ZoneInfo("UTC")
    asked = session.disconnect
    return {
        "id": session.id,
        "visit": session.visit_id,
        "name": session.name,
        "email": session.email,
        "user_name": session.user_name,
        "device": session.device,
        "nas": session.nas,
        "location": None if location is None else location.name,
        "session_id": session.session_id,
        "started_at": iso(session.started_at, zone),
        "heard_at": iso(session.heard_at, zone),
        "ended_at": None if session.ended_at is None else iso(session.ended_at, zone),
        "ended_by": session.ended_by,
        "terminate_cause": session.terminate_cause,
        "seconds": session.seconds,
        "octets_in": session.octets_in,
        "octets_out": session.octets_out,
        "disconnect": None
        if asked is None
        else {
            "at": iso(asked.at, zone),
            "outcome": asked.outcome,
            "error_cause": asked.error_cause,
            "reason": asked.reason,
        },
    }


def wait_json(wait: Wait, visit: Visit | None, location: Location | None) -> WaitJson:
    """A visit, or a location, at which somebody has to wait; in UTC where it is gone."""
    zone = location.zone if location is not None else ZoneInfo("UTC")
    return {
        "visit": wait.visit_id,
        "email": None if visit is None else visit.email,
        "location": None if location is None else location.name,
        "until": None if wait.until is None else iso(wait.until, zone),
        "devices": [
            {
                "device": tried.device,
                "nas": tried.nas,
                "at": iso(tried.at, zone),
                "guesses": tried.guesses,
                "was_in": tried.was_in,
                "until": None if tried.until is None else iso(tried.until, zone),
                "refused": tried.refused,
            }
            for tried in wait.tried
        ],
    }


def address_words(nas: Nas) -> str:
    """One address without its prefix length, a network with it."""
    single = nas.address.prefixlen == nas.address.max_prefixlen
    return str(nas.address.network_address if single else nas.address)
