"""A stand-in for FreeRADIUS: it calls the plugin in the order of ``freeradius/sites-available``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nexio.network.events import Decided
from radius_auth.decision.device_limits import Answer
from radius_auth.decision.request import Request
from radius_auth.guard import Guard
from radius_auth.plugin.calls import CallResult, ReturnCode, Stage
from radius_auth.plugin.logins import Login
from radius_auth.plugin.pairs import (
    DECIDED,
    LOGGED,
    NOTE,
    PROVEN,
    REPLIED,
    SENDER,
    STAGE,
    TEXTS,
)
from radius_auth.plugin.plugin import Plugin
from tests.support.clocks import Clock
from tests.support.radius.decisions import auth_event
from tests.support.radius.guests import (
    ANNEX,
    EMAIL,
    HOUSE,
    NINE,
    PIN,
    chap,
    nas,
    table_of,
    with_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from nexio.network.events import AuthEvent
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from radius_auth.plugin.pairs import Pairs, Updates, Values
    from radius_auth.replica.table import Table

ADDRESS = "127.0.0.1"
DEVICE = ("Calling-Station-Id", "02-00-00-AB-CD-EF")
EAP = ("EAP-Message", "0x02010005")
MS_CHAP = ("MS-CHAP2-Response", "0x00")

Control = dict[str, str]


def pap(typed: str = PIN, user_name: str = EMAIL) -> Pairs:
    """A guest at the login page."""
    return (("User-Name", user_name), ("User-Password", typed), DEVICE)


def chap_pairs(typed: str = PIN, user_name: str = EMAIL) -> Pairs:
    """The same with CHAP."""
    made = chap(typed)
    answered = f"0x{made.ident:02x}{made.response.hex()}"
    challenge = ("CHAP-Challenge", f"0x{made.challenge.hex()}")
    return (("User-Name", user_name), ("CHAP-Password", answered), challenge, DEVICE)


def ms_chap(user_name: str = EMAIL) -> Pairs:
    """The same with MS-CHAPv2; only the device knows what was typed."""
    return (("User-Name", user_name), MS_CHAP, DEVICE)


def tunnelled(user_name: str = EMAIL) -> Pairs:
    """What a device sends inside its tunnel, by a method of EAP."""
    return (("User-Name", user_name), EAP, DEVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply to the access point."""

    accepted: bool
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str | None:
        """The Reply-Message."""
        return self.attributes.get("Reply-Message")


REJECT = Reply(accepted=False)


class VirtualServer:
    """The sites ``nexio`` and ``nexio-inner-tunnel``, with a plugin on a test's table.

    Args:
        table: visits and NAS.
        now: the time, until ``clock`` moves.
    """

    def __init__(self, table: Table, now: datetime = NINE) -> None:
        self.table = table
        self.clock = Clock(now)
        self.events: list[AuthEvent] = []
        self.accounts: list[tuple[float, str, Values]] = []
        self.is_kept = True
        self.guard = Guard()
        self.slot = Answer.AWAY
        """What becomes of a slot that is asked for."""

        self.asked: list[tuple[int, str]] = []
        self.plugin = Plugin(
            lambda: self.table, self.guard, self._record, self._account, self.clock, self._take
        )

    def _take(self, visit_id: int, device: str) -> Answer:
        self.asked.append((visit_id, device))
        return self.slot

    @property
    def event(self) -> AuthEvent:
        """The one decision that was recorded."""
        (event,) = self.events
        return event

    def keep(self, visit_id: int = 0, **more: Any) -> str:
        """Let an earlier call have kept a login; its number."""
        request = Request(nas=nas(), user_name=EMAIL.encode(), password=None)
        login = Login(request=request, visit_id=visit_id, **more)
        return self.plugin._logins.add(login)  # noqa: SLF001 - as that call would

    def find(self, number: str) -> Login | None:
        """A login that is kept."""
        return self.plugin._logins.find(number)  # noqa: SLF001

    def reason_of(self, result: CallResult) -> str:
        """Why a call has rejected: it was logged, or is kept until it is."""
        assert result.outcome is ReturnCode.REJECT
        note = _plain(result.control)[NOTE]
        if note == LOGGED:
            return self.event.reason
        login = self.find(note)
        assert login is not None
        assert login.rejected is not None
        return login.rejected.reason

    def answer(self, pairs: Pairs, typed: str | None = None) -> Reply:
        """A login by PAP, CHAP or MS-CHAP.

        Args:
            pairs: the request.
            typed: the PIN of the response to MS-CHAP, which FreeRADIUS verifies.
        """
        return self._log_in(
            pairs, Stage.OUTER, lambda control: self._verify(pairs, Stage.OUTER, control, typed)
        )[0]

    def answer_eap(self, pairs: Pairs, typed: str, *, gtc: bool = False) -> Reply:
        """A login in a tunnel; at its end the plugin decides again outside.

        Args:
            pairs: the request inside.
            typed: the PIN that the device has.
            gtc: the password itself comes through the tunnel, not a response to MS-CHAP.
        """
        outside = (("User-Name", "anonymous"), EAP, DEVICE)
        assert self._call(self.plugin.authorize, outside, Stage.OUTER) == PASSED

        def verify(control: Control) -> bool:
            if gtc:
                return self._ask((*pairs, ("User-Password", typed)), Stage.INNER, control)
            response = ("MS-CHAP2-Response", "0x00")
            return self._verify((*pairs, response), Stage.INNER, control, typed)

        inner, proven = self._log_in(pairs, Stage.INNER, verify)
        if not inner.accepted:  # the inner server has logged it
            return REJECT
        outer = self._call(self.plugin.post_auth, outside, Stage.OUTER, (PROVEN, proven))
        if outer.outcome is not ReturnCode.OK:
            return self._rejected(outside, outer)
        return Reply(accepted=True, attributes=_plain(outer.reply))

    def _log_in(
        self, pairs: Pairs, stage: Stage, verify: Callable[[Control], bool]
    ) -> tuple[Reply, str]:
        """Run the sections of one site, and verify at the end."""
        first = self._call(self.plugin.authorize, pairs, stage)
        if first.outcome is not ReturnCode.OK:
            return self._rejected(pairs, first), ""
        control = _plain(first.control)
        if not verify(control):
            return self._rejected(pairs, first, control), ""
        if control.keys() >= set(DECIDED):  # PAP and CHAP
            decided = {
                replied: control[name] for name, replied in zip(DECIDED, REPLIED, strict=True)
            }
            return Reply(accepted=True, attributes=decided), ""
        proven = control.get(PROVEN, "")
        last = self._call(self.plugin.post_auth, pairs, stage, (PROVEN, proven))
        if last.outcome is not ReturnCode.OK:
            return self._rejected(pairs, last), ""
        return Reply(accepted=True, attributes=_plain(last.reply)), proven

    def _verify(self, pairs: Pairs, stage: Stage, control: Control, typed: str | None) -> bool:
        """Compare a response to MS-CHAP with the one PIN, as ``Auth-Type MS-CHAP`` does."""
        if control.get("Auth-Type") == "Accept":
            return True
        asks = stage == Stage.INNER
        if asks and not self._ask((*pairs, (NOTE, control[NOTE])), stage, control):
            return False
        if typed is None or control.get("Cleartext-Password") != typed:
            return False
        control[PROVEN] = control[NOTE]
        return True

    def _ask(self, pairs: Pairs, stage: Stage, control: Control) -> bool:
        answer = self._call(self.plugin.authenticate, pairs, stage)
        control |= _plain(answer.control)
        return answer.outcome is ReturnCode.OK

    def _rejected(self, pairs: Pairs, result: CallResult, control: Control | None = None) -> Reply:
        """The end of a reject, as in ``nexio_say_no``.

        Args:
            pairs: the request.
            result: of the call that rejected, or that came before FreeRADIUS did.
            control: where later calls have added to it.
        """
        note = (control or _plain(result.control)).get(NOTE)
        if note == LOGGED:
            return Reply(accepted=False, attributes=_plain(result.reply))
        noted = () if note is None else ((NOTE, note),)
        answer = self._call(self.plugin.post_auth, pairs, Stage.REJECTED, *noted)
        assert answer.outcome is ReturnCode.OK
        return Reply(accepted=False, attributes=_plain(answer.reply))

    def _record(self, decided: Decided) -> None:
        self.events.append(auth_event(decided))

    def _account(self, at: float, host: str, values: Values) -> bool:
        self.accounts.append((at, host, values))
        return self.is_kept

    def _call(
        self, ask: Callable[[Pairs], CallResult], pairs: Pairs, stage: Stage, *more: tuple[str, str]
    ) -> CallResult:
        return ask((*hand_over(pairs), *at(stage), *more))


def hand_over(pairs: Pairs) -> Pairs:
    """What ``policy.d/nexio`` makes of a request with text that is not UTF-8."""
    names = dict(TEXTS.values())
    text = [(names[name], f"={value}".encode().hex()) for name, value in pairs if name in names]
    return (*(pair for pair in pairs if pair[0] not in names), *text)


PASSED = CallResult(outcome=ReturnCode.NOOP)


def at(stage: Stage, address: str = ADDRESS) -> Pairs:
    """The attributes that our configuration adds to a request."""
    return ((SENDER, address), (STAGE, stage.value))


def house(
    *visits: FollowedVisit, nas_entries: Iterable[Nas] | None = None, **settings: Any
) -> Table:
    """Harbour House with its access point, these visits, and these settings."""
    return table_of(
        *visits,
        locations=(with_settings(HOUSE, **settings), ANNEX),
        nas_entries=[nas()] if nas_entries is None else nas_entries,
    )


def _plain(updates: Updates) -> dict[str, str]:
    return {name: value for name, _, value in updates}
