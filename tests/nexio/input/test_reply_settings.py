"""Reading what an accept is to say beside the end of the time."""

from __future__ import annotations

import pytest

from nexio.errors import InvalidValue, Refused
from nexio.input.reply_settings import (
    MOST_ATTRIBUTES,
    Replies,
    ReplySetting,
    parse_replies,
    rate_of,
    read,
    with_changes,
    written,
)


def encode(name: str, text: str) -> tuple[str, str, bytes]:
    """A dictionary of one attribute."""
    if name.lower() != "filter-id":
        raise InvalidValue(f"there is no attribute {name}")
    return "Filter-Id", text, text.encode()


def replies(*words: str, old: Replies = ()) -> list[str]:
    """The settings of a place after these words."""
    return [f"{each.key}={each.value}" for each in with_changes(old, parse_replies(words, encode))]


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("vlan=20", "vlan=20"),
        ("VLAN = 0020", "vlan=20"),
        ("vlan=guests", "vlan=guests"),
        ("vlan=NONE", "vlan=none"),
        ("bandwidth-down=10M", "bandwidth-down=10M"),
        ("bandwidth-down=10 mbit/s", "bandwidth-down=10M"),
        ("bandwidth-up=1500k", "bandwidth-up=1500k"),
        ("bandwidth-up=1000k", "bandwidth-up=1M"),
        ("bandwidth-up=2000000", "bandwidth-up=2M"),
        ("bandwidth-up=1G", "bandwidth-up=1G"),
        ("role=guest-slow", "role=guest-slow"),
        ("idle-timeout=90 minutes", "idle-timeout=1h30m"),
        ("interim-interval=10m", "interim-interval=10m"),
        ("end-time=ON", "end-time=on"),
        ("walk-in:vlan=30", "walk-in:vlan=30"),
        ("filter-id=guests", "Filter-Id=guests"),
        ("Filter-Id=a=b", "Filter-Id=a=b"),
    ],
)
def test_each_is_kept_in_its_one_spelling(word: str, kept: str) -> None:
    """It can be typed again as it is shown."""
    assert replies(word) == [kept]
    assert replies(kept) == [kept]


@pytest.mark.parametrize(
    "word",
    [
        "vlan",
        "=20",
        "vlan=0",
        "vlan=4095",
        "vlan=a\nb",
        "bandwidth-up=fast",
        "bandwidth-up=0",
        "bandwidth-up=5G",
        "bandwidth-up=1500",
        "bandwidth-up=1.5M",
        "idle-timeout=30",
        "idle-timeout=5s",
        "end-time=18:00",
        "guests:vlan=20",
        "speed=1",
    ],
)
def test_what_cannot_be_read(word: str) -> None:
    """One line of what is wrong, and nothing is kept."""
    with pytest.raises(InvalidValue):
        replies(word)


def test_a_setting_twice() -> None:
    """An attribute may come more than once, a setting not; for another source it is another."""
    assert replies("vlan=1", "walk-in:vlan=2") == ["vlan=1", "walk-in:vlan=2"]
    assert replies("Filter-Id=a", "filter-id=b") == ["Filter-Id=a", "Filter-Id=b"]
    with pytest.raises(InvalidValue, match="twice"):
        replies("vlan=1", "vlan=2")


def test_what_is_not_given_stays() -> None:
    """An empty value removes a setting; a new one takes the place of all old ones."""
    old = with_changes((), parse_replies(["vlan=1", "Filter-Id=a", "Filter-Id=b"], encode))
    assert replies("vlan=2", old=old) == ["Filter-Id=a", "Filter-Id=b", "vlan=2"]
    assert replies("Filter-Id=c", "vlan=", old=old) == ["Filter-Id=c"]
    assert replies("filter-id=", "role=", old=old) == ["vlan=1"]


def test_too_much_for_a_packet() -> None:
    """Refused when it is set: no login may fail for it."""
    for words in ([f"Filter-Id={'x' * 240}"] * 5, ["Filter-Id=x"] * (MOST_ATTRIBUTES + 1)):
        with pytest.raises(Refused):
            replies(*words)
    assert len(replies(*["Filter-Id=x"] * MOST_ATTRIBUTES)) == MOST_ATTRIBUTES


def test_the_store_gives_back_what_it_got() -> None:
    """Also octets that are no text."""
    kept = (ReplySetting("", "Class-ic", "0x00ff", b"\0\xff"), ReplySetting("walk-in", "vlan", "é"))
    assert read(written(kept)) == kept
    assert read("[]") == ()


@pytest.mark.parametrize(
    "text", ["", "{}x", "[1]", "[[1, 2, 3, 4]]", '[["", "a", "b", "zz"]]', "7"]
)
def test_what_somebody_else_wrote(text: str) -> None:
    """One kind of error, whatever it is."""
    with pytest.raises(ValueError, match=r".*"):
        read(text)


def test_rates() -> None:
    """Thousands, as access points count."""
    assert [rate_of(text) for text in ("512k", "10M", "1G")] == [512_000, 10_000_000, 10**9]
    with pytest.raises(ValueError, match="not a rate"):
        rate_of("fast")
