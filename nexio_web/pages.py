"""Pages from templates: whatever is put into one is text, and what is missing is an error."""

from __future__ import annotations

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

_TEMPLATES: Final = Environment(
    loader=PackageLoader("nexio_web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, **values: Any) -> HTMLResponse:
    """A page of ours."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(values))
