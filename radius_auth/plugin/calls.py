"""One call of FreeRADIUS's: what it asks, read, and what it can end with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import reply_message
from radius_auth.plugin.notes import Note, parse_note
from radius_auth.plugin.pairs import CLIENT, NOTE, STAGE, Received, as_updates
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Discarded
from radius_auth.protocol.replies import class_of

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.decision.decide import Accepted, Rejected, Request
    from radius_auth.plugin.pairs import Updates
    from radius_auth.replica.nas_index import Client
    from radius_auth.replica.table import Table


class ReturnCode(IntEnum):
    """What a call of a module ends with; the numbers are FreeRADIUS's ``RLM_MODULE_…``."""

    REJECT = 0
    FAIL = 1
    """No answer: the configuration turns it into silence."""

    OK = 2
    NOOP = 7


class Stage(StrEnum):
    """Where FreeRADIUS is with a request; our configuration says so in ``STAGE``."""

    OUTER = "outer"
    INNER = "inner"
    """In the tunnel of TTLS or PEAP."""

    REJECTED = "rejected"
    """The reject is about to be sent."""

    CLIENT = "client"
    """No request: is there a NAS of this address?"""

    STATUS = "status"
    """A Status-Server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What a call ends with, and the attributes that go with it."""

    outcome: ReturnCode
    reply: Updates = ()
    control: Updates = ()


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of FreeRADIUS's, read."""

    began: int
    """Nanoseconds of ``time.perf_counter_ns``."""

    now: datetime
    table: Table
    received: Received
    client: Client | None
    """The NAS of the address that it came from."""

    request: Request

    @property
    def stage(self) -> str | None:
        """Where FreeRADIUS is."""
        return self.received.find(STAGE)

    @property
    def took_us(self) -> int:
        """Microseconds since the call began."""
        return (time.perf_counter_ns() - self.began) // 1000


PASS: Final = CallResult(outcome=ReturnCode.NOOP)
ACCEPT: Final = ("Auth-Type", ":=", "Accept")


def accepted(decision: Accepted, names: tuple[str, str]) -> Updates:
    """What an accept carries (R12), under these names."""
    timeout, class_ = names
    return (
        (timeout, ":=", str(decision.session_timeout)),
        (class_, ":=", f"0x{class_of(decision.visit).hex()}"),
    )


def refuse(
    call: Call, reason: Reason, visit: FollowedVisit | None = None, so_far: Note | None = None
) -> CallResult:
    """Reject; the words come when the reject is sent (see ``Plugin.post_auth``)."""
    note = Note(
        visit_id=visit.id if visit else 0,
        reason=reason,
        took_us=call.took_us + (so_far.took_us if so_far else 0),
    )
    return CallResult(outcome=ReturnCode.REJECT, control=as_updates([(NOTE, str(note))]))


def unproven(call: Call) -> Reason:
    """Why FreeRADIUS itself has rejected somebody, or let somebody pass whom it must not."""
    if call.received.is_eap:
        noted = call.received.find(NOTE)
        # In the tunnel each PIN that is verified was counted as a guess before; PEAP itself ends
        # a login outside where GTC says nothing.
        verified = not call.received.is_in_tunnel or parse_note(noted).guess
        return Reason.WRONG_PIN if noted is not None and verified else Reason.EAP_FAILED
    return Reason.WRONG_PIN if call.received.is_ms_chap else Reason.UNSUPPORTED_METHOD


def words_for(call: Call, rejected: Rejected) -> Updates:
    """The Reply-Message of a reject (R11)."""
    if rejected.visit is None or call.received.is_eap:  # RFC 3579 section 2.6.5
        return ()
    location = call.table.locations[rejected.visit.location_id]
    words = reply_message(rejected, location, call.now)
    return () if words is None else as_updates([("Reply-Message", words)])


def check_proxy_state(call: Call) -> None:
    """Hold what FreeRADIUS 3.2.1 does not know: *limit Proxy-State* (Must 12).

    Raises:
        Discarded: the NAS may leave Message-Authenticator out, but not beside Proxy-State.
    """
    values = call.received.values
    unsigned = "Proxy-State" in values and "Message-Authenticator" not in values
    if unsigned and call.client is not None and call.client.limit_proxy_state:
        raise Discarded(DiscardReason.PROXY_STATE_UNPROTECTED)


def define_client(call: Call) -> CallResult:
    """The NAS of that address, for FreeRADIUS's dynamic clients."""
    address, client = call.received.find(CLIENT) or "", call.client
    if client is None:
        return PASS
    family = "IPv6" if ":" in address else "IP"
    required = "yes" if client.require_message_authenticator else "no"
    return CallResult(
        outcome=ReturnCode.OK,
        control=as_updates(
            [
                (f"FreeRADIUS-Client-{family}-Address", address),
                ("FreeRADIUS-Client-Secret", client.secret.decode()),
                ("FreeRADIUS-Client-Shortname", client.entries[0].name),
                ("FreeRADIUS-Client-Require-MA", required),
            ]
        ),
    )
