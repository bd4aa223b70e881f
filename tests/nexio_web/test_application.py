"""What the pages answer where the store is away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nexio_web.application import pages
from nexio_web.postman import Postman
from tests.support.web.asgi import ask

if TYPE_CHECKING:
    import pytest

    from nexio.store.engine import Store


def test_a_store_that_is_gone(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """503, and not a word about the store but in the log."""
    app = pages(sqlite_store, Postman(sqlite_store, None))
    assert ask(app, "/healthz").status == 200
    sqlite_store.engine.dispose()
    Path(str(sqlite_store.engine.url.database)).write_bytes(b"no store at all " * 400)
    answer = ask(app, "/healthz")
    assert (answer.status, answer.text) == (
        503,
        "The system cannot be reached at the moment. Please ask at reception.\n",
    )
    assert "the store cannot be used" in caplog.text
