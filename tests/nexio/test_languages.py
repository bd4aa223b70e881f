"""Each text of ours is in each catalogue, translated, with the placeholders of the English one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from docs.catalogues import read, strings, texts, translated
from nexio.languages import ENGLISH, LANGUAGES, mark, preferred

AT = datetime(2026, 11, 23, 8, 5, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def placeholders(text: str) -> Counter[str]:
    """What is filled in, and how often."""
    return Counter(re.findall(r"%\(\w+\)[a-z]|%%|%|\{\w+\}", text))


@pytest.mark.parametrize("code", translated())
def test_a_catalogue_is_whole(code: str) -> None:
    """`make catalogues` writes what is new; a translator does the rest."""
    catalogue = read(code)
    said = {message.id for message in texts() if message.id}
    assert {message.id for message in catalogue if message.id} == said
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        assert len(strings(message)) == (catalogue.num_plurals if message.pluralizable else 1)
        english = message.id if isinstance(message.id, str) else message.id[-1]
        for text in strings(message):
            assert text.strip(), message.id
            assert placeholders(text) == placeholders(english), message.id


def test_code_and_templates_say_something() -> None:
    """A text of a module, of a template, and one that counts."""
    said = {message.id for message in texts()}
    assert {"Your host has been told.", "Start over"} <= said
    one, many = "You checked in %(number)d minute ago.", "You checked in %(number)d minutes ago."
    assert (one, many) in said


@pytest.mark.parametrize(
    ("code", "day", "time"),
    [
        ("en", "Monday 23 November", "09:05"),
        ("de", "Montag, 23. November", "09:05"),
        ("fr", "lundi 23 novembre", "09:05"),
        ("es", "lunes 23 de noviembre", "9:05"),
        ("vi", "Thứ Hai, ngày 23 tháng 11", "09:05"),
        ("zh", "11月23日星期一", "09:05"),
    ],
)
def test_days_and_times(code: str, day: str, time: str) -> None:
    """As they are written there, by the clock of the place."""
    assert LANGUAGES[code].day(AT, PARIS) == day
    assert LANGUAGES[code].time(AT, PARIS) == time


def test_a_text_that_is_said_later() -> None:
    """English as it stands in the code; elsewhere with its values in that language, and plain."""
    said = mark("The %(field)s is empty", field=mark("first name"))
    assert said == "The first name is empty"
    assert LANGUAGES["de"].translate(said) == "Vorname: das Feld ist leer"
    assert LANGUAGES["de"].translate("from elsewhere") == "from elsewhere"
    for language in LANGUAGES.values():
        assert type(language.translate(said)) is type(language.say(mark("first name"))) is str


def test_plurals() -> None:
    """French says "0 minute", Vietnamese has one form."""
    one, many = "You checked in %(number)d minute ago.", "You checked in %(number)d minutes ago."
    assert ENGLISH.plural(one, many, 1) == "You checked in 1 minute ago."
    assert LANGUAGES["de"].plural(one, many, 2).endswith("vor 2 Minuten angemeldet.")
    assert LANGUAGES["fr"].plural(one, many, 0).endswith("0 minute.")
    assert "%" not in LANGUAGES["vi"].plural(one, many, 7)


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", "fr"),
        ("it, de-AT;q=0.7, en;q=0.3", "de"),
        ("en;q=0.3,zh-Hans-CN;q=0.9", "zh"),
        ("vi;q=much", "en"),
        ("xx" * 10_000, "en"),
    ],
)
def test_what_a_browser_likes_best(accepted: str, code: str) -> None:
    """RFC 9110 section 12.5.4; whatever cannot be read counts for nothing."""
    assert preferred(accepted).code == code
