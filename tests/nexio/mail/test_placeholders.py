"""Filling a text in."""

import pytest

from nexio.errors import InvalidValue
from nexio.mail.placeholders import KNOWN, check_placeholders, fill_html, fill_text
from nexio.outbox.outbox import Template

DOCUMENTED = {
    *("visitorcode", "visitorname", "hostname", "location", "expectedarrival", "wifiuntil"),
    *("ssid", "wifilogin", "qrcode"),
}


def test_the_known_ones() -> None:
    """Those that docs/commands/mail.md lists, and no PIN of the visitor for the host."""
    assert set(KNOWN[Template.VISITOR_REGISTERED]) == DOCUMENTED
    assert set(KNOWN[Template.VISITOR_UPDATED]) == DOCUMENTED
    assert not {"visitorcode", "qrcode"} & set(KNOWN[Template.VISITOR_ARRIVED])
    assert set(KNOWN) == set(Template)


@pytest.mark.parametrize("template", Template)
def test_an_unknown_one_is_refused(template: Template) -> None:
    """The advice lists the known ones."""
    with pytest.raises(InvalidValue, match=r"\{visitorpin\}") as refused:
        check_placeholders(template, "Your PIN: {visitorpin}")
    for name in KNOWN[template]:
        check_placeholders(template, f"a {{{name}}} b")
        assert f"{{{name}}}" in refused.value.advice


@pytest.mark.parametrize("text", ["a {color: red}", "{}", "{ visitorcode }", "{", "100 %", "{{x"])
def test_other_braces_are_text(text: str) -> None:
    """A style sheet has braces, too."""
    check_placeholders(Template.VISITOR_REGISTERED, text)
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
