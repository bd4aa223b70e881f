"""How a mail reads."""

import re
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nexio.errors import InvalidValue, Refused
from nexio.languages import LANGUAGES
from nexio.locations.locations import Location
from nexio.mail.default_texts import KNOWN, PLACEHOLDERS, default_text
from nexio.mail.placeholders import PLACEHOLDER
from nexio.mail.qr_pictures import qr_png
from nexio.mail.texts import parse_source, save_text
from nexio.outbox.outbox import Template, queue_mail
from nexio.reception.members import add_member, remove_member
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import attached, queue, rendered, text_of
from tests.support.people import add_location, delete, register, revoke, set_up
from tests.support.scanner import scanned
from tests.support.stores import run_sql

WIFI_WORDS = ("Wi-Fi", "Network", "Login")


def test_the_mail_of_a_registration(store: Store, location: Location, clock: Clock) -> None:
    """Who, where, when, the PIN, the Wi-Fi: in a plain text that any terminal shows."""
    set_up(store, location, "ssid=Harbour Guest")
    visit = register(store, location, arrival="14:00", host="Ana Reyes", pin="012345")
    message = rendered(store)
    assert str(message["From"]) == "Harbour House <desk@example.com>"
    assert str(message["To"]) == "Zoë Nguyễn <zoe@example.com>"
    assert str(message["Subject"]) == (
        "Your visit to Harbour House on Friday, 20 November 2026: your PIN"
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(str(message["Date"])) == clock.now
    assert (
        text_of(message)
        == f"""\
Hello Zoë Nguyễn,

you are registered as a visitor.

PIN: 012345

When: Friday, 20 November 2026, 14:00 (Europe/London, UTC+00:00)
Where: Harbour House
Host: Ana Reyes

The PIN checks you in when you come on Friday, 20 November 2026, and out when you leave: type it \
at the tablet at the door, or say it at reception.
The same PIN is your password for the Wi-Fi, Friday, 20 November 2026, 14:00 to 15:00 \
(Europe/London, UTC+00:00).

Network: Harbour Guest
Wi-Fi login: type your e-mail address (zoe@example.com) and your PIN

Check-in code, for the tablet at the door: {qr_of(store, visit)}

The attached file visit.ics adds the visit to your calendar.

This mail was sent by a machine. Please keep your PIN to yourself.
"""
    )


def qr_of(store: Store, visit: Visit) -> str:
    """What the visitor's code says."""
    with store.read() as work:
        return qr_text(work, visit)


class Page(HTMLParser):
    """The words of a page, as they are read where pictures are off."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A picture counts with its words."""
        if tag == "img":
            self.pictures.append(dict(attrs))
            self.words.append(dict(attrs)["alt"] or "")

    def handle_data(self, data: str) -> None:
        """Words."""
        self.words += data.split("\n")


def test_the_html_says_the_same(sqlite_store: Store, sqlite_location: Location) -> None:
    """Also with pictures off; what is fetched from outside is nothing."""
    set_up(sqlite_store, sqlite_location, "ssid=Harbour Guest")
    visit = register(sqlite_store, sqlite_location, arrival="14:00", host="Ana Reyes", pin="012345")
    html = text_of(rendered(sqlite_store), "html")
    words = " ".join(Page(html).words)
    for word in (
        *("012345", "Zoë Nguyễn", "Ana Reyes", "Harbour House", "Harbour Guest"),
        "Friday, 20 November 2026, 14:00 (Europe/London, UTC+00:00)",
        "Friday, 20 November 2026, 14:00 to 15:00 (Europe/London, UTC+00:00)",
        "type your e-mail address (zoe@example.com) and your PIN",
        qr_of(sqlite_store, visit),
    ):
        assert word in words
    assert "http" not in html


def test_values_are_no_markup(sqlite_store: Store, sqlite_location: Location) -> None:
    """A host's name is what was typed."""
    register(sqlite_store, sqlite_location, host="<img src=x onerror=alert(1)> & {visitorcode}")
    page = Page(text_of(rendered(sqlite_store), "html"))
    assert len(page.pictures) == 1
    assert "<img src=x onerror=alert(1)> & {visitorcode}" in page.words
    assert "<img src=x onerror=alert(1)> & {visitorcode}" in text_of(rendered(sqlite_store))


def test_the_qr_code_is_a_picture_inside(sqlite_store: Store, sqlite_location: Location) -> None:
    """A scanner reads off it what stands in the text; the HTML shows it in its place."""
    visit = register(sqlite_store, sqlite_location)
    message = rendered(sqlite_store)
    picture = attached(message, "image/png")
    assert scanned(picture.get_content()) == qr_of(sqlite_store, visit)
    assert picture["Content-Disposition"].content_disposition == "inline"
    (shown,) = Page(text_of(message, "html")).pictures
    assert picture["Content-ID"] == f"<{(shown['src'] or '').removeprefix('cid:')}>"


@pytest.mark.parametrize("text", ["NEXIO1:1:" + "A" * 24, "NEXIO1:2147483647:" + "7" * 24])
def test_a_qr_code_of_any_visit_is_read(text: str) -> None:
    """The first one and the last."""
    assert scanned(qr_png(text)) == text


@pytest.mark.parametrize("ssid", ["Harbour Guest", "W" * 32, 'a;b:c,d\\e"f', "Gäste 😀", ";" * 32])
def test_a_code_joins_the_wifi(sqlite_store: Store, sqlite_location: Location, ssid: str) -> None:
    """Beside the one for the tablet, which stays what it is; its special characters are escaped."""
    set_up(sqlite_store, sqlite_location, f"ssid={ssid}")
    visit = register(sqlite_store, sqlite_location)
    message = rendered(sqlite_store)
    pictures = {
        part.get_filename(): part.get_content()
        for part in message.walk()
        if part.get_content_type() == "image/png"
    }
    assert list(pictures) == ["check-in-code.png", "wi-fi-code.png"]
    assert scanned(pictures["check-in-code.png"]) == qr_of(sqlite_store, visit)
    said = scanned(pictures["wi-fi-code.png"])
    assert said.startswith("WIFI:T:nopass;S:")
    assert re.sub(r"\\(.)", r"\1", said[len("WIFI:T:nopass;S:") : -len(";;")]) == ssid
    first, second = Page(text_of(message, "html")).pictures
    assert first["alt"] == f"QR code: {qr_of(sqlite_store, visit)}"
    assert second["alt"] == f"QR code of the Wi-Fi {ssid}"
    assert "WIFI:" not in text_of(message)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (["wifi-code=off"], ["check-in-code.png"]),
        (["check-in-code=off"], ["wi-fi-code.png"]),
        (["check-in-code=off", "wifi-code=off"], []),
        (["ssid=none"], ["check-in-code.png"]),
        (["visitor-tokens=off"], ["check-in-code.png"]),
    ],
)
def test_settings_choose_the_codes(
    sqlite_store: Store, sqlite_location: Location, settings: list[str], names: list[str]
) -> None:
    """Nothing says more of a code that is not there; nobody without Wi-Fi joins it."""
    set_up(sqlite_store, sqlite_location, "ssid=Harbour Guest")
    set_up(sqlite_store, sqlite_location, *settings)
    register(sqlite_store, sqlite_location)
    message = rendered(sqlite_store)
    files = [part.get_filename() for part in message.walk()]
    assert [file for file in files if file and file.endswith(".png")] == names
    text = text_of(message) + " ".join(Page(text_of(message, "html")).words)
    assert ("Check-in code" in text) is ("check-in-code.png" in names)
    assert ("Wi-Fi code" in text) is ("wi-fi-code.png" in names)


def test_who_answers_and_where_it_is(
    sqlite_store: Store, sqlite_location: Location, tmp_path: Path
) -> None:
    """Reply-To, address, directions with a link, a logo inside; a lost logo holds up no mail."""
    logo = tmp_path / "logo.png"
    logo.write_bytes(qr_png("logo"))
    set_up(
        sqlite_store,
        sqlite_location,
        *("reply-to=front@example.com", f"logo={logo}", "address=1 Quay Street, Bristol"),
        "directions=Lift to floor 2: https://example.com/map?a=1&b=<2>",
    )
    register(sqlite_store, sqlite_location, host="https://evil.example/")
    message = rendered(sqlite_store)
    assert str(message["Reply-To"]) == "front@example.com"
    html = text_of(message, "html")
    assert '<a href="https://example.com/map?a=1&amp;b=" ' in html
    assert 'href="https://evil' not in html
    assert "Address: 1 Quay Street, Bristol\n" in text_of(message)
    assert [part.get_filename() for part in message.walk()].count("logo.png") == 1
    assert Page(html).pictures[0]["alt"] == "Harbour House"
    logo.unlink()
    assert "Harbour House" not in [
        each["alt"] for each in Page(text_of(rendered(sqlite_store), "html")).pictures
    ]
    set_up(sqlite_store, sqlite_location, "reply-to=none", "address=none")
    assert rendered(sqlite_store)["Reply-To"] is None
    assert "Address" not in text_of(rendered(sqlite_store))


def test_the_language_of_a_visitor_and_of_the_location(store: Store, location: Location) -> None:
    """Who was registered without one gets that of the location, as of now."""
    register(store, location, language="VI")
    register(store, location)
    set_up(store, location, "language=fr")
    assert text_of(rendered(store, 1)).startswith("Kính chào")
    assert text_of(rendered(store, 2)).startswith("Bonjour")
    with pytest.raises(InvalidValue, match='"it" is no language of ours'):
        register(store, location, language="it")


def test_a_subject_that_names_nothing(store: Store, location: Location) -> None:
    """The mail has that of the package then."""
    own = "Subject: To {hostname}\n\nHello"
    with store.write() as work:
        text = parse_source(Template.VISITOR_REGISTERED, own)
        save_text(work, location, Template.VISITOR_REGISTERED, LANGUAGES["en"], text)
    register(store, location)
    assert str(rendered(store)["Subject"]).startswith("Your visit to Harbour House on ")
    register(store, location, host="Ana")
    assert str(rendered(store)["Subject"]) == "To Ana"


def without_token(store: Store, location: Location) -> None:
    """Nobody gets Wi-Fi."""
    set_up(store, location, "visitor-tokens=off")
    register(store, location)


def with_revoked_token(store: Store, location: Location) -> None:
    """Somebody got Wi-Fi and lost it before the mail was sent."""
    revoke(store, register(store, location))


@pytest.mark.parametrize("registered", [without_token, with_revoked_token])
@pytest.mark.parametrize("template", [Template.VISITOR_REGISTERED, Template.VISITOR_UPDATED])
def test_r3_words_about_the_wifi_only_with_a_token(
    sqlite_store: Store, sqlite_location: Location, registered: object, template: Template
) -> None:
    """Without one, no window, no network and no login; everything else is there."""
    set_up(sqlite_store, sqlite_location, "ssid=Harbour Guest")
    assert callable(registered)
    registered(sqlite_store, sqlite_location)
    run_sql(sqlite_store, "UPDATE outbox SET template = :template", template=template.value)
    message = rendered(sqlite_store)
    for kind in ("plain", "html"):
        text = text_of(message, kind)
        assert not [word for word in (*WIFI_WORDS, "Harbour Guest") if word in text]
        assert "Harbour House" in text
        assert "PIN" in text


def test_without_ssid_no_words_about_the_network(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """Nobody has said what it is called."""
    register(sqlite_store, sqlite_location)
    for kind in ("plain", "html"):
        text = text_of(rendered(sqlite_store), kind)
        assert "Network" not in text
        assert "Wi-Fi login" in text


def test_r9_where_the_pin_alone_logs_in(sqlite_store: Store, sqlite_location: Location) -> None:
    """The guest is not told to type an e-mail."""
    set_up(sqlite_store, sqlite_location, "wifi-login=pin", "planned-guests=1", "pin-length=8")
    register(sqlite_store, sqlite_location)
    assert "Wi-Fi login: type your PIN\n" in text_of(rendered(sqlite_store))


@pytest.mark.parametrize(
    ("duration", "words"),
    [("60m", "60 minutes"), ("1m", "1 minute"), ("90m", "90 minutes"), ("2d", "2 days")],
)
def test_r16_before_the_check_in(
    sqlite_store: Store, sqlite_location: Location, duration: str, words: str
) -> None:
    """The window is not known yet, its length is."""
    run_sql(sqlite_store, "UPDATE location SET token_starts = 'check-in'")
    set_up(sqlite_store, sqlite_location, f"token-duration={duration}")
    register(sqlite_store, sqlite_location)
    assert f"password for the Wi-Fi, for {words} from your check-in.\n" in text_of(
        rendered(sqlite_store)
    )


def test_a_visit_that_was_moved(store: Store, location: Location) -> None:
    """The update has the new time, also in its subject, and the same PIN."""
    visit = register(store, location, arrival="14:00")
    queue(store, Template.VISITOR_UPDATED, visit)
    message = rendered(store)
    assert "2026, 14:00 (Europe/London" in str(message["Subject"])
    assert f"PIN: {visit.pin}\n" in text_of(message)
    assert "has moved" in str(message["Subject"])


def test_an_arrival(store: Store, location: Location, clock: Clock) -> None:
    """To the host: who came, when; and nothing that lets anybody in."""
    with store.write() as work:
        texts = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com"}
        add_member(work, location, texts, send_pin=False)
    visit = register(store, location, arrival="09:00", host="ana reyes")
    clock.advance(minutes=33)
    queue(store, Template.VISITOR_ARRIVED, visit)
    clock.advance(minutes=5)
    message = rendered(store)
    assert str(message["To"]) == "Ana Reyes <ana@example.com>"
    assert str(message["Subject"]) == (
        "Your visitor has arrived on Friday, 20 November 2026: Zoë Nguyễn"
    )
    assert (
        text_of(message)
        == """\
Hello Ana Reyes,

your visitor has arrived.

Who: Zoë Nguyễn
Where: Harbour House
Arrived: Friday, 20 November 2026, 09:03 (Europe/London, UTC+00:00)
Expected: Friday, 20 November 2026, 09:00 (Europe/London, UTC+00:00)

This mail was sent by a machine.
"""
    )
    whole = message.as_string() + text_of(message) + text_of(message, "html")
    assert visit.pin not in whole
    assert "NEXIO1" not in whole


def test_the_pin_of_a_member(store: Store, location: Location) -> None:
    """Text and HTML, no QR code and no calendar."""
    texts = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com", "pin": "001234"}
    with store.write() as work:
        add_member(work, location, texts, send_pin=True)
    message = rendered(store)
    assert str(message["Subject"]) == "Your PIN for Harbour House"
    assert "PIN: 001234\n" in text_of(message)
    assert "001234" in text_of(message, "html")
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/alternative", "text/plain", "text/html")
    ]


def test_the_same_mail_twice_has_one_message_id(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """Sent again after a crash, a mail program shows it once; another mail has another one."""
    visit = register(sqlite_store, sqlite_location)
    first, again = rendered(sqlite_store), rendered(sqlite_store)
    queue(sqlite_store, Template.VISITOR_UPDATED, visit)
    assert first["Message-ID"] == again["Message-ID"]
    assert str(first["Message-ID"]).endswith("@example.com>")
    assert rendered(sqlite_store)["Message-ID"] != first["Message-ID"]


def test_the_mail_is_ascii_on_the_wire(sqlite_store: Store, sqlite_location: Location) -> None:
    """Not every server takes 8 bits, and no line is longer than it may be (RFC 5322)."""
    add_location(sqlite_store, "Ö" * 60)
    register(
        sqlite_store, sqlite_location, host="Ḫ" * 100, first_name="Ẑ" * 100, last_name="李" * 100
    )
    octets = rendered(sqlite_store).as_bytes()
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in octets.replace(b"\r\n", b"")


def test_a_mail_that_is_pointless(store: Store, location: Location, clock: Clock) -> None:
    """A deleted visit, one that is over, a member who has gone."""
    deleted = register(store, location, email="a@example.com")
    register(store, location, email="b@example.com")
    delete(store, deleted)
    with pytest.raises(Refused, match="the visit was deleted"):
        rendered(store, 1)
    clock.advance(days=1)
    with pytest.raises(Refused, match="the visit is over"):
        rendered(store, 2)
    texts = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com"}
    with store.write() as work:
        member = add_member(work, location, texts, send_pin=False)
        queue_mail(work, Template.MEMBER_PIN, member_id=member.id)
        remove_member(work, member.id)
    with pytest.raises(Refused, match="the member was removed"):
        rendered(store)


@pytest.mark.parametrize("template", Template)
def test_every_template_uses_what_it_knows(template: Template) -> None:
    """Only what is known stands in it, and all that the default text can say."""
    for language in LANGUAGES.values():
        subject, body = default_text(template, language)
        used = set(PLACEHOLDER.findall(subject + body))
        left_out = {"directions", "address"} if "cancelled" in template else set()
        left_out |= {"directions", "address"} if "arrived" in template else set()
        assert used == set(KNOWN[template]) - left_out
        assert set(KNOWN[template]) <= set(PLACEHOLDERS)
