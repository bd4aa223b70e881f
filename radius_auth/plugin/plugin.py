"""Answers the calls of FreeRADIUS; it does not call FreeRADIUS itself.

The plugin compares a password that it can read, or a response to CHAP, with the PINs: one call
decides.  FreeRADIUS verifies MS-CHAP, in a tunnel or not, against the one PIN that it gets from
the plugin.  The same rules decide about the visit whose PIN was proven, in a later call.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING

from nexio.keys.purposes import VISIT_PIN
from radius_auth.decision.candidates import find_candidate, reserve_guess
from radius_auth.decision.decide import Accepted, Rejected, choose_visit, decide, remaining
from radius_auth.decision.device_limits import Answer, decide_by_answer, decide_device
from radius_auth.decision.reasons import Reason, is_miss
from radius_auth.decision.request import named
from radius_auth.plugin.calls import (
    ACCEPT,
    DONE,
    PASS,
    SILENT,
    Call,
    CallResult,
    ReturnCode,
    Stage,
    accepted,
    check_proxy_state,
    define_client,
    more_attributes,
    reason_of_freeradius,
    words_for,
)
from radius_auth.plugin.logins import Login, Logins
from radius_auth.plugin.pairs import (
    DECIDED,
    LOGGED,
    NOTE,
    PROVEN,
    REPLIED,
    SENDER,
    STAGE,
    VERIFIED_BY_FREERADIUS,
    as_updates,
    by_name,
    read_request,
)
from radius_auth.protocol.events import decision_for_log
from radius_auth.protocol.statistics import Signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.clock import Clock
    from nexio.network.events import Decided
    from radius_auth.decision.decide import Decision
    from radius_auth.guard import Guard
    from radius_auth.plugin.pairs import Pairs, Updates, Values
    from radius_auth.replica.table import Table

log = logging.getLogger(__name__)

_CLIENT, _STATUS, _OUTER, _OK = Stage.CLIENT, Stage.STATUS, Stage.OUTER, ReturnCode.OK
"""Looked up once: access to an enumeration member takes as long as to ten names of a module."""


class Plugin:
    """Answers FreeRADIUS's calls by the current table.

    Args:
        table: returns the table, or raises `Discarded` if there is none to decide by.
        guard: counts wrong passwords.
        record: takes each decision.
        account: has an Accounting-Request stored; returns whether it is on a disk.
        clock: aware time of day; decides windows.
        ask_slot: asks for a slot of a visit's device limit.
        signatures: counts requests of NAS that need not sign.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        table: Callable[[], Table],
        guard: Guard,
        record: Callable[[Decided], None],
        account: Callable[[float, str, Values], bool],
        clock: Clock,
        ask_slot: Callable[[int, str], Answer] = lambda *_: Answer.AWAY,
        signatures: Signatures | None = None,
    ) -> None:
        self._table = table
        self._guard = guard
        self._record = record
        self._account = account
        self._clock = clock
        self._ask_slot = ask_slot
        self._signatures = Signatures() if signatures is None else signatures
        self._logins = Logins()

    def authorize(self, pairs: Pairs) -> CallResult:
        """Decide, or supply the PIN that FreeRADIUS verifies.

        Raises:
            KeyUnusable: a PIN cannot be decrypted.
            Discarded: the request gets no answer.
        """
        call = self._begin(pairs)
        is_outer = call.stage == _OUTER
        if is_outer:
            check_proxy_state(call)
        elif call.stage == _CLIENT:
            return define_client(call)
        elif call.stage == _STATUS:
            return DONE
        login = _read(call)
        if is_outer and call.need_not_be_signed:
            self._signatures.note(login.request.nas, is_signed=call.is_signed)
        if VERIFIED_BY_FREERADIUS.isdisjoint(call.values.first):
            return self._decide(call, login)
        if call.is_eap and is_outer:
            # Outside of the tunnel the User-Name may be anything.
            return self._refuse_contradictory(call, login) or PASS
        return self._supply_pin(call, login)

    def authenticate(self, pairs: Pairs) -> CallResult:
        """Decide about the password of EAP-GTC; or count the response of EAP-MSCHAPv2.

        Raises:
            KeyUnusable, Discarded: as in :meth:`authorize`.
        """
        call = self._begin(pairs)
        if not call.is_ms_chap:
            login = _read(call)
            # FreeRADIUS has put the password beside EAP-Message: no contradiction here.
            login.request = login.request._replace(contradictory=False)
            return self._decide(call, login)
        login = self._logins.find(call.find(NOTE)) or _read(call)
        refused = None if login.guess else self._reserve(call, login)
        login.took_us += call.took_us
        return refused or DONE

    def post_auth(self, pairs: Pairs) -> CallResult:
        """Decide about a visit whose PIN was proven; or log a reject of FreeRADIUS's.

        Raises:
            Discarded: as in :meth:`authorize`.
        """
        call = self._begin(pairs)
        if call.stage == Stage.REJECTED:
            return self._log_reject(call)
        number = call.find(PROVEN)
        login = self._logins.find(number) or _read(call)
        visit = call.table.find_visit(login.visit_id)
        if visit is None:  # not proven, or removed since
            noted = self._logins.find(call.find(NOTE))
            unknown = Reason.UNKNOWN_USER if login.visit_id else reason_of_freeradius(call, noted)
            return self._refuse(call, login, Rejected(reason=unknown))
        if call.is_eap and call.stage == _OUTER:
            # The packet that gets the accept determines the guest's location, not an earlier one.
            login.request = _read(call).request
            if refused := self._refuse_contradictory(call, login):
                return refused
        decision = choose_visit(login.request, [visit], call.table, call.now)
        admitted_visit = decision.visit.id if isinstance(decision, Accepted) else None
        self._guard.give_back(login.guess, admitted_visit, call.now)
        decision = self._limit(call, login, decision)
        if isinstance(decision, Rejected):
            return self._refuse(call, login, decision)
        more: Updates = ()
        if call.stage == _OUTER:  # once for each guest: the inner accept is not final
            self._log(call, login, decision)
            self._logins.drop(number)
            more = more_attributes(call, login, decision)
        return CallResult(outcome=ReturnCode.OK, reply=(*accepted(decision, REPLIED), *more))

    def accounting(self, pairs: Pairs) -> CallResult:
        """Have an Accounting-Request stored: FreeRADIUS answers it only then (Must 16).

        Raises:
            Discarded: as in :meth:`authorize`.
        """
        call = self._begin(pairs)
        if call.stage == _STATUS:  # RFC 5997 section 4.2: on that port, too
            return DONE
        is_stored = self._account(call.now.timestamp(), call.address, call.values)
        return DONE if is_stored else SILENT

    def _decide(self, call: Call, login: Login) -> CallResult:
        """Decide about a password that can be read, or a response to CHAP.

        In a tunnel another call gives the accept, later: :meth:`post_auth` decides it.
        """
        decision = decide(login.request, call.table, self._guard, call.now)
        decision = self._limit(call, login, decision)
        if isinstance(decision, Rejected):
            return self._refuse(call, login, decision)
        if call.stage == _OUTER:
            self._log(call, login, decision)
            more = more_attributes(call, login, decision)
            return named(CallResult, (_OK, more, (ACCEPT, *accepted(decision, DECIDED))))
        login.visit_id = decision.visit.id
        proof = (PROVEN, self._save(call, login))
        return CallResult(outcome=ReturnCode.OK, control=(ACCEPT, *as_updates([proof])))

    def _limit(self, call: Call, login: Login, decision: Decision) -> Decision:
        """Apply the visit's device limit (R18) to a final decision, so not inside a tunnel."""
        if (
            isinstance(decision, Rejected)
            or decision.visit.max_devices is None
            or call.stage != _OUTER
        ):
            return decision
        decided = decide_device(login.request, decision)
        if decided is not None:
            return decided
        answer = self._ask_slot(decision.visit.id, login.request.device or "")
        return remaining(decide_by_answer(decision, answer, call.table), self._clock())

    def _supply_pin(self, call: Call, login: Login) -> CallResult:
        """Give FreeRADIUS the PIN to compare the response with."""
        candidate = find_candidate(login.request, call.table, call.now)
        if not isinstance(candidate, Rejected):
            pin = call.table.keyring.unseal(candidate.pin_sealed, VISIT_PIN)
            login.visit_id = candidate.id
        elif call.is_eap and is_miss(candidate.reason):
            # A tunnel takes several packets: an unknown guest must see the same ones as others.
            pin = secrets.token_hex(16)
            login.rejected = candidate
        else:
            # Nothing will be verified, but it still counts as a guess.
            return self._reserve(call, login) or self._refuse(call, login, candidate)
        if call.is_ms_chap and (refused := self._reserve(call, login)):
            return refused
        control = [("Cleartext-Password", pin), (NOTE, self._save(call, login))]
        if not call.is_eap:
            control.append(("Auth-Type", "MS-CHAP"))
        return CallResult(outcome=ReturnCode.OK, control=as_updates(control))

    def _reserve(self, call: Call, login: Login) -> CallResult | None:
        """Count a response as a wrong PIN until it is proven; reject if there were too many."""
        guess = reserve_guess(login.request, login.visit_id, call.table, self._guard, call.now)
        if isinstance(guess, Rejected):
            return self._refuse(call, login, guess)
        login.guess = guess
        return None

    def _refuse_contradictory(self, call: Call, login: Login) -> CallResult | None:
        if not login.request.contradictory:
            return None
        return self._refuse(call, login, Rejected(reason=Reason.CONTRADICTORY))

    def _refuse(self, call: Call, login: Login, rejected: Rejected) -> CallResult:
        """Reject.  In a tunnel the inner server logs it when it sends the reject."""
        login.rejected = rejected
        if call.stage == _OUTER:
            self._log(call, login, rejected)
            reply, note = words_for(call, rejected), LOGGED
        else:
            reply, note = (), self._save(call, login)
        control = as_updates([(NOTE, note)])
        return CallResult(outcome=ReturnCode.REJECT, reply=reply, control=control)

    def _log_reject(self, call: Call) -> CallResult:
        """Log a reject that FreeRADIUS is about to send, and return its Reply-Message."""
        number = call.find(NOTE)
        if number == LOGGED:  # an older policy.d/nexio calls anyway
            return DONE
        found = self._logins.find(number)
        login = found or _read(call)
        rejected = login.rejected or Rejected(reason=reason_of_freeradius(call, found))
        self._log(call, login, rejected)
        self._logins.drop(number)
        return CallResult(outcome=ReturnCode.OK, reply=words_for(call, rejected))

    def _begin(self, pairs: Pairs) -> Call:
        began, table, values = time.perf_counter_ns(), self._table(), by_name(pairs)
        find = values.first.get
        address = find(SENDER, "")
        client = table.nas.find(address) if address else None
        return named(Call, (began, self._clock(), table, values, find(STAGE), address, client))

    def _save(self, call: Call, login: Login) -> str:
        login.took_us += call.took_us
        return self._logins.add(login)

    def _log(self, call: Call, login: Login, decision: Decision) -> None:
        request = login.request
        if not request.nas_identifier:
            request = request._replace(nas_identifier=call.address.encode())
        if decision.visit is not None and call.is_eap:
            # The name outside of the tunnel is "anonymous" or the like.
            request = request._replace(user_name=decision.visit.email_key.encode())
        latency_us = login.took_us + call.took_us
        try:
            decided = decision_for_log(request, decision, call.table, call.now, latency_us)
        except Exception as fault:  # noqa: BLE001 - the guest is answered all the same
            log.error("a decision could not be logged: %s", type(fault).__name__)  # noqa: TRY400
        else:
            self._record(decided)


def _read(call: Call) -> Login:
    return Login(request=read_request(call.values, call.client))
