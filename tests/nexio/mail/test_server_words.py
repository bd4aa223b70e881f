"""What is kept of a mail server's words: the code and a short text without a digit."""

from __future__ import annotations

import base64

import pytest

from nexio.mail.connecting import LONGEST_TEXT, redacted, reply
from nexio.mail.server import parse_smtp_url

SERVER = parse_smtp_url("smtp://desk:open+sesame@mail.example.com")


@pytest.mark.parametrize(
    "quoted",
    [
        *("462913", "4 6 2 9 1 3", "4-6-2-9-1-3", "x462913x", "4\u00a06\u202f2"),
        *("٤٦٢٩١٣", "４６２９１３", "四六二九一三", "④⑥②⑨①③", "IV"),
        *("=34=36=32=39=31=33", "&#52;&#54;", "a" * 31),
    ],
)
def test_no_digit_of_any_script_is_kept(quoted: str) -> None:
    """With the whole word around it; nor what may be a piece of an encoded mail."""
    assert reply(SERVER, 550, f"your PIN is {quoted} or so") in {
        "550 your PIN is or so",
        "550 your PIN is IV or so",  # letters
    }


@pytest.mark.parametrize(
    "secret", ["open+sesame", "b3BlbitzZXNhbWU=", base64.b64encode(b"\0desk\0open+sesame").decode()]
)
def test_no_password_is_kept(secret: str) -> None:
    """Neither plain nor as it went over the line."""
    assert reply(SERVER, 535, f"not {secret}, no") == "535 not ******, no"


def test_it_is_one_short_line() -> None:
    """Nothing that steers a terminal, and no more than one can read."""
    assert redacted(SERVER, "one\r\n\x1b[m\udcfftwo\u202e") == "one [m two"
    assert len(redacted(SERVER, "no such user " * 50)) == LONGEST_TEXT


def test_a_code_of_our_own_is_not_shown() -> None:
    """The library marks with -1 what is no reply at all."""
    assert reply(SERVER, -1, "Response too long") == "Response too long"
