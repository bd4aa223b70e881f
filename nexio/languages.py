"""The languages of mails and web pages.

Code and templates are in English; ``catalogues/*.po`` translate them.  The .po files are read
directly: there is no compiled copy that could be missing or old.  ``make catalogues`` brings them
up to date with the code.
"""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Language:
    """A language, and how it writes texts, dates and numbers."""

    code: str
    """As in HTML's ``lang``, and the name of its catalogue."""

    name: str
    """The name of the language in the language itself."""

    locale: str
    """The CLDR locale for names of days and months, and for times of day."""

    day_pattern: str
    """How a day is written without its year: CLDR has no such form with the weekday in full."""

    def say(self, text: str, /, **values: object) -> str:
        """Translate an English text and fill in its ``%(name)s``."""
        return self.word(text) % values

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Translate one of two English texts, whichever the language uses with that number.

        The placeholder ``%(number)d`` is filled in, too.
        """
        text = _translations(self.code).ngettext(one, many, number)
        return text % {**values, "number": number}

    def translate(self, text: str) -> str:
        """Translate a text of :func:`mark` with its values; return any other text unchanged."""
        return text.in_language(self) if isinstance(text, Marked) else text

    def word(self, text: str) -> str:
        """Translate a text and leave its placeholders as they are."""
        return str(_translations(self.code).gettext(text))  # a plain text, marked or not

    def time(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write a time of day: 09:00."""
        from babel.dates import format_time  # noqa: PLC0415 (commands know the codes, and are fast)

        return format_time(instant, "short", tzinfo=zone, locale=self.locale)

    def full_day(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write a day with its year: Monday 23 November 2026."""
        return self.full_date(instant.astimezone(zone))

    def full_date(self, day: date) -> str:
        """The same for a date."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(day, "full", locale=self.locale)

    def date(self, day: date) -> str:
        """Write a date: 23 November 2026."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(day, "long", locale=self.locale)

    def weekday(self, number: int) -> str:
        """Write a day of the week, of which 0 is Monday."""
        from babel.dates import get_day_names  # noqa: PLC0415

        return str(get_day_names("wide", "stand-alone", self.locale)[number])

    def unit(self, number: int, unit: str) -> str:
        """Write a number with a unit that CLDR knows: 2 hours."""
        from babel.units import format_unit  # noqa: PLC0415

        return str(format_unit(number, f"duration-{unit}", locale=self.locale))

    def moment(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write a day with its year and a time of day."""
        translated = {"day": self.full_day(instant, zone), "time": self.time(instant, zone)}
        return self.say(MOMENT, **translated)

    def day(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write a day without its year: Monday 23 November."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(instant.astimezone(zone), self.day_pattern, locale=self.locale)


ENGLISH: Final = Language("en", "English", "en_GB", "EEEE d MMMM")

LANGUAGES: Final[Mapping[str, Language]] = {
    each.code: each
    for each in (
        ENGLISH,
        Language("de", "Deutsch", "de", "EEEE, d. MMMM"),
        Language("fr", "Français", "fr", "EEEE d MMMM"),
        Language("es", "Español", "es", "EEEE d 'de' MMMM"),
        Language("vi", "Tiếng Việt", "vi", "EEEE, 'ngày' d 'tháng' M"),
        Language("zh", "中文", "zh_Hans", "M月d日EEEE"),
    )
}


class Marked(str):
    """An English text that can be translated into every language."""

    __slots__ = ("in_language",)

    in_language: Callable[[Language], str]

    def __new__(cls, english: str, in_language: Callable[[Language], str]) -> Self:
        """Make one from the English text and a function that translates it."""
        made = super().__new__(cls, english)
        made.in_language = in_language
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickle and copy as the plain English text."""
        return str, (str(self),)


def mark(text: str, /, **values: object) -> Marked:
    """Mark a text for the catalogues that is translated later, and fill in its placeholders.

    A value that is itself marked is translated into the same language.
    """

    def translate(language: Language) -> str:
        translated = {
            name: language.translate(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return language.say(text, **translated) if translated else language.word(text)

    return Marked(text % values if values else text, translate)


def any_of(choices: Sequence[str]) -> Marked:
    """The choices, joined: "a or b"."""

    def translate(language: Language) -> str:
        return f" {language.word(OR)} ".join(language.translate(each) for each in choices)

    return Marked(" or ".join(choices), translate)


OR: Final = mark("or")
MOMENT: Final = mark("%(time)s on %(day)s")


def preferred(accepted: str) -> Language:
    """The supported language that a browser prefers.

    Args:
        accepted: its ``Accept-Language`` (RFC 9110 section 12.5.4), such as ``de-AT,en;q=0.5``.
    """
    liked: list[tuple[float, Language]] = []
    for wish in accepted.split(","):
        tag, _, weight = wish.strip().partition(";q=")
        language = LANGUAGES.get(tag.partition("-")[0].lower())
        try:
            liked += [(float(weight or 1), language)] if language else []
        except ValueError:
            continue
    return max(liked, key=lambda each: each[0], default=(0.0, ENGLISH))[1]


@cache
def _translations(code: str) -> gettext.NullTranslations:
    if code == ENGLISH.code:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with resources.files("nexio").joinpath("catalogues", f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
