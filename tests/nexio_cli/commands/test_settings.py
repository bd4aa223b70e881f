"""``nexio settings``: shown as they are set, saved all or nothing."""

from __future__ import annotations

import pytest

from nexio.locations.settings import KEYS
from tests.support.cli.running import Nexio
from tests.support.settings import STARTS

DESK = STARTS | {"visitor-tokens": True}
"""Those of Harbour House."""


def test_shown_as_json(sqlite_desk: Nexio) -> None:
    """An object with each setting in the order of docs/json.md, values as JSON knows them."""
    shown = sqlite_desk.done("settings", "show", "--json").json
    assert shown == DESK
    assert list(shown) == list(KEYS)


def test_shown_for_a_pipe(sqlite_desk: Nexio) -> None:
    """Setting, tab, value; switches are on or off, what is not set is none."""
    lines = sqlite_desk.done("settings", "show").out.splitlines()
    assert lines[0] == "setting\tvalue"
    assert {"visitor-tokens\ton", "roaming\toff", "ssid\tnone", "token-duration\t1h"} < set(lines)


def test_set_again_as_printed(desk: Nexio) -> None:
    """Each printed value can be set, also the ones that are not the first ones."""
    desk.done("settings", "set", "pin-length=8", "planned-guests=50", "ssid=Harbour Guests")
    desk.done("settings", "set", "token-duration=1d1h30m", "wifi-login=pin", "visitor-tokens=off")
    before = desk.done("settings", "show").out
    printed = [line.replace("\t", "=", 1) for line in before.splitlines()[1:]]
    desk.done("settings", "set", *printed)
    assert desk.done("settings", "show").out == before


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("pin-lenght=8", "Did you mean pin-length?"),
        ("pin_length=8", "Did you mean pin-length?"),
        ("colour=red", "visitor-tokens"),
        ("pin-length", "pin-length=6"),
        ("pin-length=4", "5 to 10"),
        ("pin-length=11", "5 to 10"),
        ("pin-length=six", "5 to 10"),
        ("pin-length=٦", "5 to 10"),
        ("visitor-tokens=perhaps", "visitor-tokens=on"),
        ("token-duration=60", "60m"),
        ("token-duration=0m", "1 minute to 30 days"),
        ("token-duration=31d", "1 minute to 30 days"),
        ("wifi-login=mail", "email or pin"),
        ("planned-guests=0", "or none"),
        ("ssid=123456789012345678901234567890123", "32 octets"),
        ("ssid=Gäste Gäste Gäste Gäste Gäste G", "32 octets"),
    ],
)
def test_a_word_that_cannot_be_read(word: str, advice: str, sqlite_desk: Nexio) -> None:
    """Exit 2, and what would be right; nothing of the save is kept, whatever stood before it."""
    assert advice in sqlite_desk("settings", "set", "roaming=on", word).refused(2)
    assert sqlite_desk.done("settings", "show", "--json").json == DESK


def test_a_setting_twice(sqlite_desk: Nexio) -> None:
    """Nobody guesses which of the two is meant."""
    sqlite_desk("settings", "set", "pin-length=8", "pin-length=9").refused(2)


def test_weak_pins(sqlite_desk: Nexio) -> None:
    """R6: 5 digits are below the floor of NIST SP 800-63B; who insists reads the chance."""
    assert "--insecure-short-pin" in sqlite_desk("settings", "set", "pin-length=5").refused(4)
    ran = sqlite_desk.done("settings", "set", "pin-length=5", "--insecure-short-pin")
    assert "Warning: PINs of 5 digits" in ran.err
    assert "guessed in a day with a chance of 1 in 8,333" in ran.err
    assert ran.out == ""
    assert len(sqlite_desk.register()["pin"]) == 5


def test_pin_login_needs_long_pins(sqlite_desk: Nexio) -> None:
    """R9: refused with the numbers, unless the operator insists with an insecure option."""
    words = ["settings", "set", "wifi-login=pin", "planned-guests=50"]
    assert "enough for 1" in sqlite_desk(*words).refused(4)
    assert "planned-guests" in sqlite_desk("settings", "set", "wifi-login=pin").refused(4)
    assert sqlite_desk.done("settings", "show", "--json").json == DESK
    sqlite_desk.done(*words, "pin-length=8")
    sqlite_desk.done("settings", "set", "pin-length=6", "wifi-login=email")
    assert "can be guessed" in sqlite_desk.done(*words, "--insecure-pin-login").err


def test_pin_login_says_what_it_risks(desk: Nexio) -> None:
    """R9: with the numbers of this store, on stderr, when something of it is changed."""
    desk.done("token", "on")
    for _ in range(3):
        desk.register()
    words = ["settings", "set", "wifi-login=pin", "planned-guests=2", "--insecure-pin-login"]
    said = desk.done(*words).err
    assert "PINs of 6 digits and 3 guests (3 have a token now)" in said
    assert "After 177 wrong PINs in a day, devices that have not been on yet have to wait" in said
    words = ["settings", "set", "pin-length=9", "planned-guests=100", "--insecure-pin-login"]
    said = desk.done(*words).err
    assert "PINs of 9 digits and 100 guests (3 have a token now)" in said
    assert "a chance of 1 in 1,250 a day at most. After 177 wrong PINs" in said
    assert said.splitlines()[-1] == desk.done("settings", "show").err.rstrip()
    assert "have a token now" not in desk.done("settings", "set", "ssid=Guests").err


def test_pin_login_and_roaming(sqlite_desk: Nexio) -> None:
    """R19: a PIN is unique at one location only."""
    sqlite_desk("settings", "set", "wifi-login=pin", "planned-guests=1", "roaming=on").refused(4)
    sqlite_desk.done("settings", "set", "wifi-login=pin", "planned-guests=1")
    sqlite_desk("settings", "set", "roaming=on").refused(4)


def test_each_location_has_its_own(desk: Nexio) -> None:
    """What is set for one stays out of the other; without --location it is nobody's."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    said = desk("settings", "set", "pin-length=8").refused(2)
    assert "Annex" in said
    assert "Harbour House" in said
    assert (
        "Saved for Annex."
        in desk.done("settings", "set", "pin-length=8", "--location", "annex").err
    )
    shown = {
        name: desk.done("settings", "show", "--json", "--location", name).json
        for name in ("Annex", "Harbour House")
    }
    assert (shown["Annex"]["pin-length"], shown["Annex"]["visitor-tokens"]) == (8, False)
    assert shown["Harbour House"] == DESK


def test_the_location_from_the_environment(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NEXIO_LOCATION stands for --location; the option wins; a wrong one is not found."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    monkeypatch.setenv("NEXIO_LOCATION", "Annex")
    assert not sqlite_desk.done("settings", "show", "--json").json["visitor-tokens"]
    named = sqlite_desk.done("settings", "show", "--json", "--location", "Harbour House")
    assert named.json["visitor-tokens"]
    monkeypatch.setenv("NEXIO_LOCATION", "Nowhere")
    assert "Annex, Harbour House" in sqlite_desk("settings", "show").refused(3)
