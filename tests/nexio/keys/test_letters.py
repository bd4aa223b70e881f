"""Letters to the server: only the right key opens them, whole and under their own id."""

from __future__ import annotations

import base64

import pytest

from nexio.keys.letters import ORDER, open_letter, private_key, public_text
from tests.support.web.letters import letter

KEY = private_key(b"\x01" * 64)


def test_a_letter_is_read() -> None:
    """The same secret gives the same key each time."""
    written = letter(public_text(private_key(b"\x01" * 64)), {"code": "x"}, "7")
    assert open_letter(KEY, written, "7") == b'{"code": "x"}'


def test_any_secret_gives_a_key() -> None:
    """Also those that are 0 or the order itself."""
    for number in (0, ORDER - 1, ORDER, 2**512 - 1):
        assert len(public_text(private_key(number.to_bytes(64)))) == 88


def test_what_is_not_a_letter_to_us() -> None:
    """Cut anywhere, changed anywhere, to another key, or under another id."""
    whole = base64.urlsafe_b64decode(letter(public_text(KEY), {}, "7"))
    wrong = [whole[:length] for length in range(len(whole))]
    wrong += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for octets in wrong:
        with pytest.raises(ValueError, match=r".*"):
            open_letter(KEY, base64.urlsafe_b64encode(octets).decode(), "7")
    good = base64.urlsafe_b64encode(whole).decode()
    for key, beside in ((KEY, "8"), (private_key(b"\x02" * 64), "7")):
        with pytest.raises(ValueError, match="not a letter"):
            open_letter(key, good, beside)
