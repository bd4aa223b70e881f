"""Settings, reasons, exit codes and codes of errors, each as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from docs.markdown import code, field_docstrings, marked, table
from nexio import errors
from nexio.errors import InvalidValue
from nexio.locations import settings
from nexio.network.nas_profiles import list_profiles
from nexio_cli import main
from nexio_cli.terminal import options
from radius_auth.decision import reasons, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.network.nas_profiles import NasProfile

UNREADABLE = "?" * 2000
"""No setting can be this; the error says what it can be."""


def setting_rows(_: str) -> str:
    """The settings: as they start, what they may be, what they mean."""
    meanings = field_docstrings(settings.Settings)
    started = settings.as_words(settings.Settings())
    rows = [
        [code(key), code(_as_typed(started[key])), _allowed(key), meanings[field]]
        for key, field in settings.KEYS.items()
    ]
    return table(["setting", "at first", "what it may be", "meaning"], *rows)


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _allowed(key: str) -> str:
    try:
        settings.parse_changes([f"{key}={UNREADABLE}"])
    except InvalidValue as error:
        advice = (error.advice or str(error)).replace(f"{key}=", "").removeprefix(f"{key} is ")
        return advice.removeprefix("Write ").removeprefix("it ").rstrip(".")
    raise AssertionError(key)


def reason_rows(_: str) -> str:
    """Each reason: in the log, to the guest, and what to do."""
    meanings = field_docstrings(reasons.Reason)
    rows = [
        [
            code(reason),
            words.LOGGED[reason],
            meanings[reason.name],
            words.GUEST_MESSAGES.get(reason, "nothing").format(at=_at(reason), devices="2 devices"),
            marked(words.REMEDIES.get(reason, "nothing")),
        ]
        for reason in reasons.Reason
    ]
    return table(
        ["reason", "the log says", "what it means", "the guest reads", "what to do"], *rows
    )


def _at(reason: reasons.Reason) -> str:
    return "10:00" if reason is reasons.Reason.ENDED else "09:00"


def profile_rows(_: str) -> str:
    """The kinds of NAS: what is known and who says so, what was tried, what nobody knows."""
    rows = [
        [
            code(profile.name),
            profile.title,
            "<br>".join(f"{_cell(fact.says)} ({_source(fact.source)})" for fact in profile.facts),
            _cell(profile.tried),
            _cell(profile.unknown),
        ]
        for profile in list_profiles()
    ]
    return table(["profile", "kind", "what is known (who says so)", "tried", "not known"], *rows)


def dialect_rows(_: str) -> str:
    """What nexio does for each kind of NAS."""
    rows = [
        [
            code(profile.name),
            f"port {profile.disconnect_port}",
            "all that is known"
            if profile.identified_by is None
            else ", ".join(sorted(profile.identified_by)),
            _bandwidth(profile),
            ", ".join(code(template.replace("{}", "NAME")) for template in profile.role) or "–",
            ", ".join(code(f"{name}={value}") for name, value in profile.sends.items()) or "–",
        ]
        for profile in list_profiles()
    ]
    return table(
        ["profile", "disconnect to", "naming", "bandwidth", "role=NAME", "by itself"], *rows
    )


def _bandwidth(profile: NasProfile) -> str:
    both = "Mikrotik-Rate-Limit (one alone: WISPr-Bandwidth-Max-…)"
    return {"mikrotik": both, "wispr": "WISPr-Bandwidth-Max-Up, -Down"}.get(profile.bandwidth, "–")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _source(source: str) -> str:
    return f"<{source}>" if source.startswith("https://") else _cell(source)


def exit_codes(_: str) -> str:
    """What each exit code means: the tree of errors says it, and ``main.py``."""
    rows = [[str(number), meaning] for number, meaning in sorted(_exit_codes())]
    return table(["code", "meaning"], ["0", "done"], *rows)


def error_codes(_: str) -> str:
    """The codes of errors: the tree of errors says them, the rules, and ``main.py``."""
    rows = [[code(name), meaning] for name, meaning in main.CODES.items()]
    rows += [
        [code(error.code), field_docstrings(error)["code"]]
        for error in _every_error(errors.NexioError)
    ]
    for rule, meaning in field_docstrings(errors.Rule).items():
        rows.append([code(errors.Rule[rule]), f"{meaning[:1].upper()}{meaning[1:].rstrip('.')}"])
    return table(["code", "meaning"], *rows)


def _every_error(top: type[errors.NexioError]) -> Iterator[type[errors.NexioError]]:
    yield top
    for each in top.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _every_error(each)


def _exit_codes() -> Iterator[tuple[int, str]]:
    assert click.UsageError.exit_code == InvalidValue.exit_code
    tree: list[type[errors.NexioError]] = [errors.NexioError, *errors.NexioError.__subclasses__()]
    for error in tree:
        yield error.exit_code, field_docstrings(error)["exit_code"]
    yield options.INTERRUPTED, 'Ctrl-C, or "no" to a question; nothing was changed'
