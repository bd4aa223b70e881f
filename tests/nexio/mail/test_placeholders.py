"""Filling a text in."""

import pytest

from nexio.mail.placeholders import fill_html, fill_text


@pytest.mark.parametrize("text", ["a {color: red}", "{}", "{ visitorcode }", "{", "100 %", "{{x"])
def test_other_braces_are_text(text: str) -> None:
    """A style sheet has braces, too."""
    assert fill_text(text, {}) == text + "\n"


def test_a_line_that_names_nothing_is_left_out() -> None:
    """With the words around it, and without a gap."""
    text = "a\n\nWi-Fi: {ssid} at {location}\n\nHost: {hostname}\n"
    assert fill_text(text, {"ssid": None, "location": "x", "hostname": "Ana"}) == "a\n\nHost: Ana\n"
    assert fill_text(text, {"ssid": "net", "location": "x", "hostname": ""}) == (
        "a\n\nWi-Fi: net at x\n"
    )


def test_a_value_is_not_read_again() -> None:
    """A host called {visitorcode} does not get the PIN."""
    values = {"hostname": "{visitorcode}", "visitorcode": "123456"}
    assert fill_text("{hostname}", values) == "{visitorcode}\n"
    assert fill_html("{hostname}", values, {}) == "{visitorcode}\n"


def test_values_are_escaped_in_html() -> None:
    """A name is no markup, within a quoted attribute neither."""
    filled = fill_html('<b title="{a}">{a}</b>{q}', {"a": "<i>'\"&"}, {"q": "<img>"})
    assert filled == ('<b title="&lt;i&gt;&#x27;&quot;&amp;">&lt;i&gt;&#x27;&quot;&amp;</b><img>\n')
