"""One call from FreeRADIUS: its stage, its data and its result."""

from __future__ import annotations

import time
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import reply_message
from radius_auth.plugin.pairs import as_updates
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Discarded
from radius_auth.protocol.replies import class_of

if TYPE_CHECKING:
    from datetime import datetime

    from radius_auth.decision.decide import Accepted, Rejected
    from radius_auth.plugin.logins import Login
    from radius_auth.plugin.pairs import Updates, Values
    from radius_auth.replica.nas_index import Client
    from radius_auth.replica.table import Table


class ReturnCode(IntEnum):
    """The return code of a module; the numbers are FreeRADIUS's ``RLM_MODULE_…``."""

    REJECT = 0
    FAIL = 1
    """No answer: the configuration turns it into silence."""

    OK = 2
    NOOP = 7


class Stage(StrEnum):
    """FreeRADIUS's stage of a request; our configuration puts it in ``STAGE``."""

    OUTER = "outer"
    INNER = "inner"
    """In the tunnel of TTLS or PEAP."""

    REJECTED = "rejected"
    """FreeRADIUS is about to send a reject."""

    ACCOUNTING = "accounting"

    CLIENT = "client"
    """No request: FreeRADIUS asks for the NAS of an address."""

    STATUS = "status"
    """A Status-Server."""


class CallResult(NamedTuple):
    """The return code of a call, and the attributes that FreeRADIUS gets with it.

    The repr shows none of them: a PIN to verify, or the secret of a NAS, may be there.
    """

    outcome: ReturnCode
    reply: Updates = ()
    control: Updates = ()

    def __repr__(self) -> str:
        """Show nothing that could be a PIN."""
        return f"CallResult(outcome={self.outcome!r})"


class Call(NamedTuple):
    """One call from FreeRADIUS."""

    began: int
    """Nanoseconds of ``time.perf_counter_ns``."""

    now: datetime
    table: Table
    values: Values
    """The attributes that FreeRADIUS hands over, passwords included."""

    stage: str | None
    address: str
    """The source address of the packet."""

    client: Client | None
    """The NAS of that address."""

    @property
    def is_signed(self) -> bool:
        """Whether there is a Message-Authenticator; FreeRADIUS has verified it."""
        return "Message-Authenticator" in self.values.first

    @property
    def need_not_be_signed(self) -> bool:
        """Whether the NAS may leave Message-Authenticator out."""
        client = self.client
        return client is not None and not client.require_message_authenticator

    @property
    def is_eap(self) -> bool:
        """Whether the guest logs in by EAP."""
        return "EAP-Message" in self.values.first

    @property
    def is_in_tunnel(self) -> bool:
        """Whether it is FreeRADIUS's own request for a device in the tunnel of TTLS or PEAP."""
        return "FreeRADIUS-Proxied-To" in self.values.first

    @property
    def is_ms_chap(self) -> bool:
        """Whether there is a response that FreeRADIUS has to verify."""
        first = self.values.first
        return "MS-CHAP-Response" in first or "MS-CHAP2-Response" in first

    def find(self, name: str) -> str | None:
        """The first value of that name, or None."""
        return self.values.first.get(name)

    @property
    def took_us(self) -> int:
        """Microseconds since the call began."""
        return (time.perf_counter_ns() - self.began) // 1000


PASS: Final = CallResult(outcome=ReturnCode.NOOP)
DONE: Final = CallResult(outcome=ReturnCode.OK)
SILENT: Final = CallResult(outcome=ReturnCode.FAIL)
ACCEPT: Final = ("Auth-Type", ":=", "Accept")


def more_attributes(call: Call, login: Login, decision: Accepted) -> Updates:
    """The further attributes of an accept that were set, with all values of each.

    They go into the reply at once: a reject drops everything that is not its own.
    """
    reply = call.table.reply_for(login.request.nas, decision.visit)
    if reply is None:
        return ()
    named: set[str] = set()
    updates = []
    for name, operator, text in as_updates(reply.attributes_for(decision.visit)):
        updates.append((name, "+=" if name in named else operator, text))
        named.add(name)
    return tuple(updates)


def accepted(decision: Accepted, names: tuple[str, str]) -> Updates:
    """The attributes of an accept (R12), under these names."""
    timeout, class_ = names
    return (
        (timeout, ":=", str(decision.session_timeout)),
        (class_, ":=", f"0x{class_of(decision.visit).hex()}"),
    )


def reason_of_freeradius(call: Call, login: Login | None) -> Reason:
    """Why FreeRADIUS itself has rejected a guest, or accepted one without a proof.

    Args:
        call: the call.
        login: the login that an earlier call stored, if any.
    """
    if call.is_eap:
        # In the tunnel each PIN that is verified was counted as a guess before; outside, PEAP
        # itself ends a login if GTC has no answer.
        verified = login is not None and (not call.is_in_tunnel or login.guess)
        return Reason.WRONG_PIN if verified else Reason.EAP_FAILED
    return Reason.WRONG_PIN if call.is_ms_chap else Reason.UNSUPPORTED_METHOD


def words_for(call: Call, rejected: Rejected) -> Updates:
    """The Reply-Message of a reject (R11)."""
    if rejected.visit is None or call.is_eap:  # RFC 3579 section 2.6.5
        return ()
    location = call.table.locations[rejected.visit.location_id]
    words = reply_message(rejected, location, call.now)
    return () if words is None else as_updates([("Reply-Message", words)])


def check_proxy_state(call: Call) -> None:
    """Apply *limit Proxy-State*, which FreeRADIUS 3.2.1 does not support (Must 12).

    Raises:
        Discarded: the NAS may leave Message-Authenticator out, but not beside Proxy-State.
    """
    unsigned = "Proxy-State" in call.values.first and not call.is_signed
    if unsigned and call.client is not None and call.client.limit_proxy_state:
        raise Discarded(DiscardReason.PROXY_STATE_UNPROTECTED)


def define_client(call: Call) -> CallResult:
    """The NAS of that address, for FreeRADIUS's dynamic clients."""
    if call.client is None:
        return PASS
    family = "IPv6" if ":" in call.address else "IP"
    control = {
        f"FreeRADIUS-Client-{family}-Address": call.address,
        "FreeRADIUS-Client-Secret": call.client.secret.decode(),
        "FreeRADIUS-Client-Shortname": call.client.entries[0].name,
        "FreeRADIUS-Client-Require-MA": (
            "yes" if call.client.require_message_authenticator else "no"
        ),
    }
    return CallResult(outcome=ReturnCode.OK, control=as_updates(control.items()))
