"""The settings of a location (R2, R6, R9, R19)."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from nexio.errors import InvalidValue, Refused
from nexio.locations.settings import (
    KEYS,
    Settings,
    as_words,
    changed,
    key_of,
    parse_changes,
    warnings_for,
)
from tests.support.settings import STARTS

EIGHT_DIGITS_FOR_100: dict[str, Any] = {"wifi_login": "pin", "planned_guests": 100, "pin_length": 8}


def test_what_a_new_location_starts_with() -> None:
    """R2, R3, R6: no tokens, 60 minutes, six digits, login by e-mail."""
    assert as_words(Settings()) == STARTS


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("visitor-tokens=on", "visitor_tokens", True),
        ("visitor-tokens=Yes", "visitor_tokens", True),
        ("visitor-tokens=off", "visitor_tokens", False),
        ("Visitor-Tokens = on", "visitor_tokens", True),
        ("token-duration=90m", "token_duration", timedelta(minutes=90)),
        ("token-duration=30 days", "token_duration", timedelta(days=30)),
        ("token-starts=check-in", "token_starts", "check-in"),
        ("max-devices=1", "max_devices", 1),
        ("max-devices=none", "max_devices", None),
        ("pin-length=5", "pin_length", 5),
        ("pin-length=10", "pin_length", 10),
        ("wifi-login=PIN", "wifi_login", "pin"),
        ("planned-guests=1000000", "planned_guests", 1_000_000),
        ("planned-guests=", "planned_guests", None),
        ("walk-in-tokens=true", "walk_in_tokens", True),
        ("remember-devices=no", "remember_devices", False),
        ("end-wifi-at-checkout=on", "end_wifi_at_checkout", True),
        ("roaming=on", "roaming", True),
        ("cut-off=22:30", "cut_off", time(22, 30)),
        ("retention-days=365", "retention_days", 365),
        ("ssid=Guests=Harbour", "ssid", "Guests=Harbour"),
        ("ssid=Gäste 😀", "ssid", "Gäste 😀"),
        ("ssid=None", "ssid", None),
        ("device-limit-outage=Refuse", "device_limit_outage", "refuse"),
        ("address=1 Quay Street, Bristol", "address", "1 Quay Street, Bristol"),
        ("directions=none", "directions", None),
        ("reply-to=Desk@Example.COM", "reply_to", "Desk@example.com"),
        ("wifi-code=off", "wifi_code", False),
    ],
)
def test_a_setting_is_read(word: str, field: str, value: object) -> None:
    """Each key, with values that it may have."""
    assert parse_changes([word]) == {field: value}


@pytest.mark.parametrize(
    ("word", "message", "advice"),
    [
        ("visitor-tokens=maybe", "visitor-tokens=maybe cannot be read", "visitor-tokens=on or"),
        ("roaming=", "roaming= cannot be read", "roaming=off"),
        ("token-duration=60", 'The duration "60" has no unit', "60m"),
        ("token-duration=31d", '"31d" is too long', "1 minute to 30 days"),
        ("token-starts=now", "token-starts=now is not allowed", "expected-arrival or check-in"),
        ("max-devices=0", "max-devices=0 is not allowed", "a number from 1 to 1000, or none"),
        ("max-devices=1001", "max-devices=1001 is not allowed", "1 to 1000"),
        ("pin-length=4", "pin-length=4 is not allowed", "5 to 10."),
        ("pin-length=11", "pin-length=11 is not allowed", "5 to 10."),
        ("pin-length=", "pin-length= is not allowed", "5 to 10."),
        ("pin-length=none", "pin-length=none is not allowed", "5 to 10."),
        ("pin-length=６", "pin-length=６ is not allowed", "5 to 10."),
        ("pin-length=-6", "pin-length=-6 is not allowed", "5 to 10."),
        (f"pin-length={'6' * 5000}", "is not allowed", "5 to 10."),
        ("wifi-login=mac", "wifi-login=mac is not allowed", "wifi-login is email or pin."),
        ("device-limit-outage=no", "device-limit-outage=no is not allowed", "allow or refuse."),
        ("reply-to=desk", "not an e-mail address", "an e-mail address, or none"),
        (f"address={'x' * 201}", "201 characters", "at most 200 characters, or none"),
        ("address=a\nb", "line break", "a line"),
        ("logo=/nowhere.png", "cannot be read", "PNG, JPEG or GIF"),
        (f"logo={__file__}", "no picture", "PNG, JPEG or GIF"),
        ("planned-guests=0", "planned-guests=0 is not allowed", "1 to 1000000, or none"),
        ("cut-off=25:00", "cut-off=25:00 cannot be read", "cut-off=22:00"),
        ("cut-off=noon", "cut-off=noon cannot be read", "cut-off=22:00"),
        ("retention-days=0", "retention-days=0 is not allowed", "1 to 36500, or none"),
        (f"ssid={'x' * 33}", "this ssid is not allowed", "at most 32 octets"),
        (f"ssid={'ä' * 17}", "this ssid is not allowed", "at most 32 octets"),
        ("ssid=a\x1bb", "this ssid is not allowed", "printable"),
        ("visitor-token=on", "there is no setting 'visitor-token'", "Did you mean visitor-tokens?"),
        ("colour=red", "there is no setting 'colour'", "The settings are: visitor-tokens,"),
        ("visitor-tokens", "'visitor-tokens' is not KEY=VALUE", "pin-length=6"),
        ("", "'' is not KEY=VALUE", "pin-length=6"),
    ],
)
def test_a_setting_that_cannot_be_read(word: str, message: str, advice: str) -> None:
    """The message names it, the advice says what can be written."""
    with pytest.raises(InvalidValue) as caught:
        parse_changes([word])
    assert message in str(caught.value)
    assert advice in caught.value.advice


def test_a_setting_twice_is_an_error() -> None:
    """Nobody knows which of the two was meant."""
    with pytest.raises(InvalidValue, match="pin-length is set twice"):
        parse_changes(["pin-length=6", "PIN-LENGTH=7"])


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(visitor_tokens=True, token_duration=timedelta(days=1, minutes=5), ssid="Guests"),
        Settings(wifi_login="pin", planned_guests=7, pin_length=7, max_devices=3),
    ],
    ids=["new", "with a network", "with PIN login"],
)
def test_what_is_shown_can_be_set_again(settings: Settings) -> None:
    """As ``settings show --json`` prints it."""
    words = [f"{key}={value}" for key, value in as_words(settings).items()]
    assert Settings(**parse_changes(words)) == settings


def test_every_key_has_a_name_on_the_command_line() -> None:
    """And only one."""
    assert len(KEYS) == len(as_words(Settings()))
    assert all(key_of(field) == key for key, field in KEYS.items())


@pytest.mark.parametrize(
    ("length", "guests", "allowed"),
    [(6, 1, True), (6, 2, False), (7, 10, True), (7, 11, False), (8, 100, True), (5, 1, False)],
)
def test_r9_pin_login_needs_a_million_pins_for_each_guest(
    length: int, guests: int, allowed: bool
) -> None:
    """10^pin-length >= 10^6 * planned-guests, unless the operator insists."""
    changes: dict[str, Any] = {
        "wifi_login": "pin",
        "pin_length": length,
        "planned_guests": guests,
    }
    short = {"insecure_short_pin": length == 5}
    insisted = changed(Settings(), changes, insecure_pin_login=True, **short)
    assert insisted == replace(Settings(), **changes)
    assert ("can be guessed" in " ".join(warnings_for(insisted))) is not allowed
    if allowed:
        assert changed(Settings(), changes, insecure_pin_login=False, **short) == insisted
        return
    with pytest.raises(Refused, match=f"PINs of {length} digits are too few for {guests}") as error:
        changed(Settings(), changes, insecure_pin_login=False, **short)
    assert "--insecure-pin-login" in error.value.advice


def test_r9_pin_login_needs_planned_guests() -> None:
    """Whoever insists needs them too."""
    with pytest.raises(Refused, match="wifi-login=pin needs planned-guests"):
        changed(Settings(), {"wifi_login": "pin"}, insecure_pin_login=True)


@pytest.mark.parametrize(
    "changes", [{"pin_length": 7}, {"planned_guests": 101}, {"planned_guests": None}]
)
def test_r9_holds_for_later_changes(changes: dict[str, Any]) -> None:
    """Not only when the login is turned to PINs."""
    safe = replace(Settings(), **EIGHT_DIGITS_FOR_100)
    with pytest.raises(Refused):
        changed(safe, changes, insecure_pin_login=False)


def test_r9_another_setting_can_be_saved_in_an_insecure_location() -> None:
    """The operator insisted once; what has nothing to do with it is saved without."""
    insecure = Settings(wifi_login="pin", planned_guests=50)
    after = changed(insecure, {"visitor_tokens": True}, insecure_pin_login=False)
    assert after == replace(insecure, visitor_tokens=True)


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        (Settings(**EIGHT_DIGITS_FOR_100), {"roaming": True}),
        (Settings(roaming=True), EIGHT_DIGITS_FOR_100),
        (Settings(), EIGHT_DIGITS_FOR_100 | {"roaming": True}),
    ],
    ids=["roaming turned on", "login by PIN turned on", "both at once"],
)
def test_r19_pin_login_and_roaming_are_refused(old: Settings, changes: dict[str, Any]) -> None:
    """A PIN is unique at one location only, also for those who insist."""
    with pytest.raises(Refused, match="do not go together"):
        changed(old, changes, insecure_pin_login=True)


def test_r6_a_short_pin_is_allowed_with_a_warning() -> None:
    """NIST SP 800-63B asks for six digits."""
    (warning,) = warnings_for(Settings(pin_length=5))
    assert "PINs of 5 digits are below the floor of NIST SP 800-63B" in warning
    assert warnings_for(Settings(pin_length=6)) == []


def test_r6_5_digits_need_an_insecure_option() -> None:
    """They are below the floor of NIST SP 800-63B; once there, other settings can be saved."""
    with pytest.raises(Refused, match="PINs of 5 digits are below the floor") as caught:
        changed(Settings(), {"pin_length": 5}, insecure_pin_login=True)
    assert "--insecure-short-pin" in caught.value.advice
    short = changed(
        Settings(), {"pin_length": 5}, insecure_pin_login=False, insecure_short_pin=True
    )
    later = changed(short, {"ssid": "Guests", "pin_length": 5}, insecure_pin_login=False)
    assert later == replace(short, ssid="Guests")
