"""Scanners type like keyboards: what they put around a code, and what a layout does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nexio.errors import InvalidValue
from nexio.input.scanners import LONGEST, codes, read_scan
from nexio.locations.locations import Location
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import register
from tests.support.reception import qr_of, use_pin, use_qr

US = "1234567890:;<>?!@#$%^&*()qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM"
AZERTY = "&é\"'(-è_çàMm?./1234567890azertyuiopqsdfghjklwxcvbn,AZERTYUIOPQSDFGHJKLWXCVBN?"
QWERTZ = '1234567890Öö;:_!"§$%&/()=qwertzuiopasdfghjklyxcvbnmQWERTZUIOPASDFGHJKLYXCVBNM'


def through(keys: str, text: str) -> str:
    """What a computer with another layout takes the keys of a US keyboard for."""
    return text.translate(str.maketrans(US, keys))


AROUND = ["{}", "]Q0{}", "]Q1{}", "]C1{}", "]d2{}", "\x02{}\x03", "]Q0\x02{}\x03"]
ENDS = ["", "\r", "\r\n", "\x03", "\x04", "\t", "\x1d"]


@pytest.mark.parametrize("around", AROUND[:-1])
@pytest.mark.parametrize("end", ENDS)
def test_what_a_scanner_adds_is_taken_away(around: str, end: str) -> None:
    """The prefix of the kind of code (AIM), STX and ETX; what the code itself holds stays."""
    for code in ("123456", "NEXIO1:1:ABCDEFGHIJKLMNOPQRSTUVWX"):
        assert read_scan(around.format(code) + end) == code
    assert read_scan("\x02" + around.format("]Q") + end) == "]Q"


@pytest.mark.parametrize(("around", "end"), list(zip(AROUND, ENDS, strict=True)))
def test_what_stands_around_a_code_is_no_part_of_it(
    sqlite_store: Store, sqlite_location: Location, clock: Clock, around: str, end: str
) -> None:
    """For PINs and for QR codes."""
    visit = register(sqlite_store, sqlite_location)
    code = around.format(visit.pin) + end
    assert use_pin(sqlite_store, sqlite_location, code).id == visit.id
    code = around.format(qr_of(sqlite_store, visit)) + end
    assert use_qr(sqlite_store, code).id == visit.id


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        ([b"123456\r999999\r"], ["123456", "999999"]),
        ([b"123456\r\n\r\n999999"], ["123456", "999999"]),
        ([b"\x02123456\x03\x02999999\x03"], ["123456", "999999"]),
        ([b"123", b"456", b"\r", b"\n99", b"9999\r"], ["123456", "999999"]),
        ([b"\xff\xfe\n", b"123456\n"], ["\ufffd\ufffd", "123456"]),
        ([b"\r\n\x02\x03 \t\n"], []),
        ([], []),
    ],
)
def test_codes_are_split_at_each_kind_of_end(octets: list[bytes], found: list[str]) -> None:
    """CR alone, CR LF, ETX; however the pipe cuts them."""
    assert list(codes(octets)) == found


def test_a_code_is_there_as_soon_as_its_end_is() -> None:
    """The answer does not wait for the next code."""
    answered: list[str] = []

    def scanner() -> Iterator[bytes]:
        for code in (b"123456\r", b"\x02999999\x03"):
            yield code
            answered.append("end")

    answered.extend(codes(scanner()))
    assert answered == ["123456", "end", "999999", "end"]


def test_a_line_without_an_end_takes_no_memory() -> None:
    """Only its beginning is kept."""
    (code,) = codes([b"1" * 10_000] * 1_000)
    assert len(code) == LONGEST


@pytest.mark.parametrize(
    ("typed", "layout"),
    [
        (through(AZERTY, "482913"), "an AZERTY (French) keyboard layout"),
        (through(AZERTY, "666661"), "an AZERTY (French) keyboard layout"),
        ("&é\"'(§", "AZERTY (Belgian) keyboard layout"),
        ("+ěščřž", "a Czech keyboard layout"),
        (through(AZERTY, "NEXIO1:7:AQWZ"), "an AZERTY (French) keyboard layout"),
        (through(AZERTY, "nexio1:7:aqwz"), "an AZERTY (French) keyboard layout"),
        (through(QWERTZ, "NEXIO1:7:YZAB"), "a QWERTZ (German) keyboard layout"),
        (through(QWERTZ, "nexio1:7:yzab"), "a QWERTZ (German) keyboard layout"),
        ("]Q1NEXIO1Ö7ÖABC\r", "a QWERTZ (German) keyboard layout"),
        ("NEXIO1Ñ7ÑABC", "a Spanish keyboard layout"),
        ("\u0422\u0423\u0427\u0428\u04291\u04167\u0416", "a Russian keyboard layout"),
        ("!@#$%^", "the scanner is set to the keyboard layout AZERTY (French)"),
        ('!"£$%^', "the scanner is set to the keyboard layout AZERTY (French)"),
        ("NEXIO!.&.ABC", "the scanner is set to the keyboard layout AZERTY (French)"),
        ("NEXIO1>7>ABC", "the scanner is set to the keyboard layout QWERTZ (German)"),
    ],
)
def test_a_foreign_layout_is_named(
    sqlite_store: Store, sqlite_location: Location, typed: str, layout: str
) -> None:
    """Refused at both entrances; the message does not repeat what came."""
    register(sqlite_store, sqlite_location)
    uses: list[Callable[[], object]] = [
        lambda: use_pin(sqlite_store, sqlite_location, typed),
        lambda: use_qr(sqlite_store, typed),
    ]
    for use in uses:
        with pytest.raises(InvalidValue) as caught:
            use()
        assert layout in str(caught.value)
        assert "layout" in caught.value.advice
        assert typed not in f"{caught.value} {caught.value.advice}"


@pytest.mark.parametrize("typed", ["", "-", "---", "12", "abc", "lsit", "zoe@example.com", "6-6"])
def test_other_words_are_taken_for_no_layout(typed: str) -> None:
    """They are told what they are by who reads them."""
    assert read_scan(typed) == typed
