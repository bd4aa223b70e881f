"""``nexio explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import finding, once, options, output

if TYPE_CHECKING:
    from nexio.network.sessions import WifiSession
    from nexio.store.engine import Reading
    from nexio_cli.terminal.json_types import ExplanationJson
    from radius_auth.explain.explanation import Explanation


@click.command(cls=once.Command)
@click.argument("email")
@click.option("--pin", metavar="PIN", help="The PIN that the guest types; '-' reads it from stdin.")
@click.option("--at", metavar="WHEN", default="now", help="As of when.")
@click.option("--nas", metavar="NAME", help="At which NAS; default: one of the visit's location.")
@click.option("--device", metavar="MAC", help="From which device.")
@options.location
@options.as_json
def command(
    email: str,
    pin: str | None,
    at: str,
    nas: str | None,
    device: str | None,
    location_name: str | None,
    *,
    as_json: bool,
) -> None:
    """Say why a visitor gets on the Wi-Fi or not, and what to do.

    EMAIL is the visitor's e-mail or login, the number of a visit, or a part of a name that only
    one visitor has.

    It applies the rules of the RADIUS server and changes nothing. Without --pin it assumes the
    right PIN. It answers for each visit of this e-mail that a server would know now; if there
    is none, for the last one; at all locations, unless you name one. Where a visit has a limit
    of devices, it says which count, and with --device whether that one gets on. Below a Yes is
    the whole Access-Accept, as the NAS would get it: name it where there are several. Open
    sessions of these visits follow, with what the access point said if it was asked to end them.

    It does not see whether the access point reaches the server: see 'nexio log' and 'nexio
    radius test'.
    """
    from radius_auth.explain.explanation import Question, explain

    pin = options.typed_or_read(pin)
    with options.reading() as work:
        question = Question(
            email=finding.login_to_explain(work, email, location_name),
            pin=pin,
            at=at,
            nas=nas,
            device=device,
            location=location_name,
        )
        explanations = explain(work, question)
        on = [line for each in explanations for line in _open_sessions(work, each.visit_id)]
    if as_json:
        output.print_json([_shape(explanation) for explanation in explanations])
    else:
        for explanation in explanations:
            output.print_sentence(explanation.sentence)
            output.print_fields(explanation.reply)
        for line in on:
            output.print_sentence(line)


def _open_sessions(work: Reading, visit_id: int | None) -> list[str]:
    from nexio.network.sessions import SessionFilter, list_sessions
    from nexio.reception.visits import get_visit
    from nexio_cli.terminal.session_view import end_words

    if visit_id is None:
        return []
    zone = get_visit(work, str(visit_id), None).location.zone
    which = SessionFilter(visit_id=visit_id, open_only=True)
    return [
        f"S{each.id} on {each.device or each.session_id} at {each.nas}: {end_words(each, zone)}."
        f"{_silence(work, each)}"
        for each in list_sessions(work, which)
    ]


def _silence(work: Reading, session: WifiSession) -> str:
    """What it may come from that its access point does not answer."""
    from nexio_cli.terminal.session_view import peer_or_none, silence_words

    if session.disconnect is None or session.disconnect.outcome != "timeout":
        return ""
    words = silence_words(session, peer_or_none(work, session))
    return f" {words[:1].upper()}{words[1:]}"


def _shape(explanation: Explanation) -> ExplanationJson:
    return {
        "visit": explanation.visit_id,
        "outcome": "accept" if explanation.accepted else "reject",
        "reason": explanation.reason.value,
        "sentence": explanation.sentence,
        "nas": explanation.nas,
        "reply": [{"name": name, "value": value} for name, value in explanation.reply],
    }
