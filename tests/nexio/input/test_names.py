"""Names and free text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.names import (
    LONGEST_NAME,
    full_name,
    parse_full_name,
    parse_name,
    parse_text,
    quoted,
    search_key,
)

BIDI_OVERRIDE = "\u202e"


@pytest.mark.parametrize(
    "name",
    [
        "Zoë",
        "O'Brien",
        "O’Brien",
        "Oʼahu",
        "Anne-Marie",
        "Anne‐Marie",
        "Nguyễn Văn",
        "J. R. R.",
        "Gal·la",
        "प्रिया",
        "李",
        "محمد",
        "X",
        "a" * LONGEST_NAME,
        "‘Abd al-Malik",
        "ʿAbd",
        "D´Angelo",
        "می\u200cخواهم",
        "ක්\u200dෂ",
        "King, Jr.",
        "Smith (IT)",
        "山田（営業）",
        "マリー・アンヌ",
        "בן־גוריון",
        "צה״ל",
        "བསྟན་འཛིན",
    ],
)
def test_names_of_people_pass_unchanged(name: str) -> None:
    """Letters and marks of any script, blanks, apostrophes, hyphens, dots."""
    assert parse_name(name, "first name") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Zoë ", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("Nguyễn   Văn", "Nguyễn Văn"),
        ("Nguyễn\u00a0Văn", "Nguyễn Văn"),
        ("Zoë\n", "Zoë"),
        (" " * 200 + "Zoë", "Zoë"),
        ("e\u0301" * LONGEST_NAME, "é" * LONGEST_NAME),
    ],
)
def test_names_are_trimmed_and_composed(typed: str, name: str) -> None:
    """The same name is the same string, and is counted after that."""
    assert parse_name(typed, "first name") == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "The last name is empty"),
        (" \t", "The last name is empty"),
        ("Agent 7", 'The last name "Agent 7" contains "7"'),
        ("Agent ٧", 'The last name "Agent ٧" contains "٧"'),
        ("a@example.com", 'The last name "a@example.com" contains "@"'),
        ("Smith; Jr", 'The last name "Smith; Jr" contains ";"'),
        ('"Bill"', 'The last name ""Bill"" contains """'),
        ("A & B", 'The last name "A & B" contains "&"'),
        ("{pin}", 'The last name "{pin}" contains "{"'),
        ("=cmd|x", 'The last name "=cmd|x" contains "="'),
        ("Henry Ⅷ", 'The last name "Henry Ⅷ" contains "Ⅷ"'),
        ("\u200dAbd", 'The last name "\\u200dAbd" contains "\\u200d"'),
        ("Abd\u200c", 'The last name "Abd\\u200c" contains "\\u200c"'),
        ("A\u200c\u200dB", 'The last name "A\\u200c\\u200dB" contains "\\u200c"'),
        ("A \u200dB", 'The last name "A \\u200dB" contains "\\u200d"'),
        ("A\u2066B", 'The last name "A\\u2066B" contains the control character "\\u2066"'),
        ("(,)", 'The last name "(,)" has no letter'),
        ("<b>", 'The last name "<b>" contains "<"'),
        ("Zoë 😀", 'The last name "Zoë 😀" contains "😀"'),
        ("A\u200bB", 'The last name "A\\u200bB" contains "\\u200b"'),
        ("A\nB", 'The last name "A\\nB" has a line break'),
        ("A\tB", 'The last name "A\\tB" contains the control character "\\t"'),
        ("A\0B", 'The last name "A\\x00B" contains the control character "\\x00"'),
        ("A\ud800", 'The last name "A\\ud800" contains the control character "\\ud800"'),
        ("'-.", 'The last name "\'-." has no letter'),
        ("\u0301", 'The last name "\u0301" has no letter'),
        ("a" * 101, f'The last name "{"a" * 59}…" has 101 characters'),
    ],
)
def test_refuses_what_is_no_name(name: str, message: str) -> None:
    """No digits, no control characters, at least one letter, at most 100 characters."""
    with pytest.raises(InvalidValue) as caught:
        parse_name(name, "last name")
    assert str(caught.value) == message
    assert caught.value.advice


@given(st.text())
def test_any_text_is_a_name_or_an_invalid_value(text: str) -> None:
    """No text raises anything else, and a name is a fixed point."""
    try:
        name = parse_name(text, "first name")
    except InvalidValue:
        return
    assert parse_name(name, "first name") == name
    assert 1 <= len(name) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", ""),
        ("  Meeting at 9, room 4 😀  ", "Meeting at 9, room 4 😀"),
        ("Zoe\u0308", "Zoë"),
        ("two  blanks", "two  blanks"),
        ("x" * 40, "x" * 40),
    ],
)
def test_free_text_is_kept(typed: str, text: str) -> None:
    """Only the ends are trimmed; empty is allowed."""
    assert parse_text(typed, "notes", 40) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb", 'The notes "a\\nb" has a line break'),
        ("a\rb", 'The notes "a\\rb" has a line break'),
        ("a\u2028b", 'The notes "a\\u2028b" has a line break'),
        ("a\u2029b", 'The notes "a\\u2029b" has a line break'),
        ("a\x1b[2Jb", 'The notes "a\\x1b[2Jb" contains the control character "\\x1b"'),
        ("a\x9bb", 'The notes "a\\x9bb" contains the control character "\\x9b"'),
        ("a\ud800b", 'The notes "a\\ud800b" contains the control character "\\ud800"'),
        (
            f"a{BIDI_OVERRIDE}b",
            'The notes "a\\u202eb" contains the control character "\\u202e"',
        ),
        ("a\u2067b", 'The notes "a\\u2067b" contains the control character "\\u2067"'),
        ("x" * 41, f'The notes "{"x" * 41}" has 41 characters'),
    ],
)
def test_refuses_what_steers_a_terminal(text: str, message: str) -> None:
    """No line breaks, control characters, surrogates or overrides of direction."""
    with pytest.raises(InvalidValue) as caught:
        parse_text(text, "notes", 40)
    assert str(caught.value) == message


@given(st.text(max_size=200))
def test_a_quotation_is_one_short_printable_line(text: str) -> None:
    """Whatever was typed can be shown and encoded."""
    shown = quoted(text)
    assert shown.isprintable()
    assert shown.encode("utf-8")
    assert len(quoted("x" * 1000)) == 62


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [(" Zoë ", "Nguyễn", "Zoë Nguyễn"), ("", "Sukarno", "Sukarno"), ("Suharto", "  ", "Suharto")],
)
def test_who_has_one_name_only(first: str, last: str, whole: str) -> None:
    """Either may be empty; together they read without a stray blank."""
    assert full_name(*parse_full_name(first, last)) == whole


def test_somebody_without_a_name() -> None:
    """One of both has to be there."""
    with pytest.raises(InvalidValue, match="The first name and the last name are empty"):
        parse_full_name(" ", "")


@pytest.mark.parametrize(
    "alike",
    [
        ("İstanbul", "ISTANBUL", "istanbul", "ıstanbul", "I\u0307stanbul"),
        ("Işıl", "IŞIL", "işil"),
        ("ZOË", "Zoë", "zoe\u0308"),
        ("O'Brien", "O’BRIEN", "o‘brien", "O´Brien"),
        ("Anne-Marie", "anne‐marie", "Anne–Marie"),
        ("Groß", "GROSS", "gross"),
        ("ΟΔΥΣΣΕΥΣ", "Οδυσσεύς".replace("ύ", "υ"), "οδυσσευσ"),
        ("ЖУКОВ", "Жуков"),
        ("می\u200cخواهم", "میخواهم"),
        ("Ａｄａ", "ADA"),
    ],
)
def test_what_is_found_by_the_same_words(alike: tuple[str, ...]) -> None:
    """However it is written, and whatever the language of the computer."""
    assert len({search_key(each) for each in alike}) == 1
