"""A store of version 0020 is brought up: every mail says what it says everywhere."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.languages import ENGLISH
from nexio.locations.locations import get_location
from nexio.mail.texts import NAMES, get_text, list_own, parse_source, save_text
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0020", rows_of_0002


def test_a_location_can_word_its_mails(old: Configuration) -> None:
    """Nothing else changes."""
    done = upgrade(old)
    assert done.version == "0020"
    done.check_rows()
    assert done.new_tables() == {"mail_text", "server", "nas_signature"}
    assert {row["language"] for row in done.after["visit"]} == {None}
    name = done.after["location"][0]["name"]
    template = NAMES["registered"]
    with closing(Store.open(old)) as store, store.write() as work:
        location = get_location(work, name)
        assert location.settings.check_in_code
        assert location.settings.address is None
        own = parse_source(template, "Subject: Hi\n\n{visitorcode}")
        save_text(work, location, template, ENGLISH, own)
        assert list(list_own(work, location)) == [(template, "en")]
        assert get_text(work, location.id, template, ENGLISH) == own
