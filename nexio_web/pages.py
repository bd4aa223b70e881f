"""Renders pages from templates: values are escaped, and a missing value is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from nexio.languages import LANGUAGES, Language, preferred

if TYPE_CHECKING:
    from starlette.requests import Request

_TEMPLATES: Final = Environment(
    loader=PackageLoader("nexio_web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, language: Language, **values: Any) -> HTMLResponse:
    """Render a page in a language."""
    speech = Speech(language)
    speaking = {
        "language": language,
        "languages": LANGUAGES.values(),
        "_": language.say,
        "say": speech.say,
        "label": speech.label,
        "mark": speech.mark,
        "words": speech.words,
    }
    return HTMLResponse(_TEMPLATES.get_template(template).render(speaking | values))


def language_of(request: Request) -> Language:
    """The language that a browser prefers, for a visitor we do not know."""
    return preferred(request.headers.get("accept-language", ""))


class Speech:
    """The texts of a page that can switch its language while it is open.

    The page has all of them in every language, so that it can switch without the server.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        self._texts: dict[str, None] = {}

    def say(self, text: str) -> Markup:
        """An element with a translatable text."""
        element = Markup('<span data-say="{}">{}</span>')
        return element.format(self.mark(text), self._language.word(text))

    def label(self, text: str) -> Markup:
        """The attributes that give an element a translatable label, which is not shown."""
        attributes = Markup('data-label="{}" aria-label="{}"')
        return attributes.format(self.mark(text), self._language.word(text))

    def mark(self, text: str) -> str:
        """Add a text that the page's script shows."""
        self._texts[text] = None
        return text

    def words(self) -> dict[str, dict[str, str]]:
        """All texts so far, by language."""
        return {
            code: {text: language.word(text) for text in self._texts}
            for code, language in LANGUAGES.items()
        }
