"""Reads submitted forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

FORM: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request, most: int) -> dict[str, str]:
    """Read the fields of a form, at most ``most``.

    Raises:
        HTTPException: it is no form, or has more fields.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    form = await request.form(max_fields=most, max_files=0)
    return {name: value for name, value in form.items() if isinstance(value, str)}
