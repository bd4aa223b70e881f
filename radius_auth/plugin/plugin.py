"""What FreeRADIUS asks the plugin, and what it is told; no call of FreeRADIUS's is in here.

A password that can be read, or a response to CHAP, is held against the PINs by us.  MS-CHAP, in
a tunnel or not, is verified by FreeRADIUS against the one PIN that it gets from us.  Either way
the visit whose PIN was proven is decided afterwards, by the same rules.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from nexio.reception.visits import PIN_PURPOSE
from radius_auth.decision.candidates import find_candidate, reserve_guess
from radius_auth.decision.decide import (
    Accepted,
    Rejected,
    choose_visit,
    decide,
)
from radius_auth.decision.reasons import Reason, is_miss
from radius_auth.plugin.calls import (
    ACCEPT,
    PASS,
    Call,
    CallResult,
    ReturnCode,
    Stage,
    accepted,
    check_proxy_state,
    define_client,
    refuse,
    unproven,
    words_for,
)
from radius_auth.plugin.notes import Note, parse_note
from radius_auth.plugin.pairs import (
    CLIENT,
    DECIDED,
    NOTE,
    PROVEN,
    REPLIED,
    as_updates,
    read_request,
    receive,
)
from radius_auth.protocol.events import auth_event, decision_for_log
from radius_auth.protocol.packet import Discarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.clock import Clock
    from nexio.network.events import AuthEvent
    from radius_auth.decision.decide import Decision
    from radius_auth.guard import Guard
    from radius_auth.plugin.pairs import Pairs
    from radius_auth.replica.table import Table


class OutOfReach(Discarded):
    """There is no table to decide by; who asks may be right, so nobody is rejected."""


class Plugin:
    """Answers FreeRADIUS's calls by the table of the moment.

    Args:
        table: gives the table, or raises `OutOfReach`.
        guard: counts wrong passwords.
        record: takes each decision.
        clock: aware time of day; decides windows.
    """

    def __init__(
        self,
        table: Callable[[], Table],
        guard: Guard,
        record: Callable[[AuthEvent], None],
        clock: Clock,
    ) -> None:
        self._table = table
        self._guard = guard
        self._record = record
        self._clock = clock

    def authorize(self, pairs: Pairs) -> CallResult:
        """Decide as far as that goes before the password is verified.

        Raises:
            OutOfReach: nothing can be decided now.
            KeyUnusable: a PIN cannot be unsealed.
            Discarded: it must not be answered.
        """
        call = self._begin(pairs)
        if call.stage == Stage.CLIENT:
            return define_client(call)
        if call.stage == Stage.STATUS:
            return CallResult(outcome=ReturnCode.OK)
        if call.stage == Stage.OUTER:
            check_proxy_state(call)
        if call.received.is_eap and call.stage == Stage.OUTER:
            # What it says of itself outside of the tunnel is nobody's name.
            return refuse(call, Reason.CONTRADICTORY) if call.request.contradictory else PASS
        if call.received.is_eap or call.received.is_ms_chap:
            return self._supply_pin(call)
        return self._decide(call)

    def authenticate(self, pairs: Pairs) -> CallResult:
        """Decide about the password of EAP-GTC; or count a response that is to be verified.

        Raises:
            OutOfReach, KeyUnusable: as in :meth:`authorize`.
        """
        call = self._begin(pairs)
        # FreeRADIUS has put what it found in EAP beside EAP-Message: no contradiction here.
        call.request = call.request._replace(contradictory=False)
        if not call.received.is_ms_chap:
            return self._decide(call)
        note = parse_note(call.received.find(NOTE))
        number = reserve_guess(call.request, note.visit_id, call.table, self._guard, call.now)
        if isinstance(number, Rejected):
            return refuse(call, number.reason)
        note = replace(note, guess=number)
        return CallResult(outcome=ReturnCode.OK, control=as_updates([(NOTE, str(note))]))

    def post_auth(self, pairs: Pairs) -> CallResult:
        """Settle a visit whose PIN was proven; or say why the guest is rejected.

        Raises:
            OutOfReach: nothing can be decided now.
        """
        call = self._begin(pairs)
        if call.stage == Stage.REJECTED:
            return self._reject(call)
        note = parse_note(call.received.find(PROVEN))
        visit = call.table.find_visit(note.visit_id)
        if visit is None:  # not proven, or removed since
            return refuse(call, Reason.UNKNOWN_USER if note.visit_id else unproven(call))
        decision = choose_visit(call.request, [visit], call.table, call.now)
        got_in = decision.visit.id if isinstance(decision, Accepted) else None
        self._guard.give_back(note.guess, got_in, call.now)
        if isinstance(decision, Rejected):
            return refuse(call, decision.reason, visit, note)
        if call.stage == Stage.OUTER:  # once for each guest; the inner accept is not the last word
            self._note(call, decision, note)
        return CallResult(outcome=ReturnCode.OK, reply=accepted(decision, REPLIED))

    def _decide(self, call: Call) -> CallResult:
        """Decide about a password that can be read, or a response to CHAP.

        In a tunnel the accept is another call's, and later: it is decided in :meth:`post_auth`.
        """
        decision = decide(call.request, call.table, self._guard, call.now)
        if isinstance(decision, Rejected):
            return refuse(call, decision.reason, decision.visit if decision.is_told else None)
        if call.stage == Stage.OUTER:
            self._note(call, decision, Note())
            return CallResult(outcome=ReturnCode.OK, control=(ACCEPT, *accepted(decision, DECIDED)))
        proven = Note(visit_id=decision.visit.id, took_us=call.took_us)
        return CallResult(
            outcome=ReturnCode.OK,
            control=(ACCEPT, *as_updates([(PROVEN, str(proven))])),
        )

    def _supply_pin(self, call: Call) -> CallResult:
        """Give FreeRADIUS the one PIN that it is to hold against the response."""
        candidate = find_candidate(call.request, call.table, call.now)
        if isinstance(candidate, Rejected) and call.received.is_eap and is_miss(candidate.reason):
            # A tunnel takes several packets: who asks for nobody is to see what everybody sees.
            note = Note(reason=candidate.reason, took_us=call.took_us)
            nobodys = [("Cleartext-Password", secrets.token_hex(16)), (NOTE, str(note))]
            return CallResult(outcome=ReturnCode.OK, control=as_updates(nobodys))
        if isinstance(candidate, Rejected):
            # Nothing will be verified, but it is a guess all the same.
            number = reserve_guess(call.request, 0, call.table, self._guard, call.now)
            refused = number if isinstance(number, Rejected) else candidate
            return refuse(call, refused.reason)
        pin = call.table.keyring.unseal(candidate.pin_sealed, PIN_PURPOSE)
        note = Note(visit_id=candidate.id, took_us=call.took_us)
        control = [("Cleartext-Password", pin), (NOTE, str(note))]
        if not call.received.is_eap:
            control.append(("Auth-Type", "MS-CHAP"))
        return CallResult(outcome=ReturnCode.OK, control=as_updates(control))

    def _begin(self, pairs: Pairs) -> Call:
        began, table, received = time.perf_counter_ns(), self._table(), receive(pairs)
        address = received.find(CLIENT)
        client = table.nas.find(address) if address else None
        return Call(
            began=began,
            now=self._clock(),
            table=table,
            received=received,
            client=client,
            request=read_request(received, client),
        )

    def _reject(self, call: Call) -> CallResult:
        """The last call of a request that is rejected, whoever rejected it."""
        note = parse_note(call.received.find(NOTE))
        rejected = Rejected(
            reason=note.reason or unproven(call),
            # Without a reason of ours the PIN was not the right one: say nothing of whose (R11).
            visit=call.table.find_visit(note.visit_id) if note.reason else None,
        )
        self._note(call, rejected, note)
        return CallResult(outcome=ReturnCode.OK, reply=words_for(call, rejected))

    def _note(self, call: Call, decision: Decision, note: Note) -> None:
        request = call.request
        if not request.nas_identifier:
            address = call.received.find(CLIENT) or ""
            request = request._replace(nas_identifier=address.encode())
        if call.received.is_eap and decision.visit is not None:
            # The name outside of the tunnel is "anonymous" or the like.
            request = request._replace(user_name=decision.visit.email_key.encode())
        latency_us = note.took_us + call.took_us
        decided = decision_for_log(request, decision, call.table, call.now, latency_us)
        self._record(auth_event(decided))
