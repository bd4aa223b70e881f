"""Pages from templates: whatever is put into one is text, and what is missing is an error."""

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
    """A page of ours, in a language."""
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
    """What the browser of somebody speaks whom we do not know."""
    return preferred(request.headers.get("accept-language", ""))


class Speech:
    """What a page says that can be said in another language while it is open.

    The page carries all of it in every language, so that it needs no server for the change.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        self._texts: dict[str, None] = {}

    def say(self, text: str) -> Markup:
        """An element with a text."""
        said = Markup('<span data-say="{}">{}</span>')
        return said.format(self.mark(text), self._language.word(text))

    def label(self, text: str) -> Markup:
        """The attributes of an element with a name that is not shown."""
        said = Markup('data-label="{}" aria-label="{}"')
        return said.format(self.mark(text), self._language.word(text))

    def mark(self, text: str) -> str:
        """A text that the page's script says."""
        self._texts[text] = None
        return text

    def words(self) -> dict[str, dict[str, str]]:
        """All of them until here, by language."""
        return {
            code: {text: language.word(text) for text in self._texts}
            for code, language in LANGUAGES.items()
        }
