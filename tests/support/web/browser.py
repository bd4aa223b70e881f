"""A real browser: Debian's Chromium without its windows, driven by Playwright."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserType

CHROMIUM = "/usr/lib/chromium/chromium-headless-shell"
QUIET = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # else it looks for Google's hosts
    "--disable-component-update",
    "--disable-sync",
)
SEES = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")

PATIENCE = 60_000
"""Milliseconds to wait for a browser on a busy machine."""

expect.set_options(timeout=PATIENCE)


@contextmanager
def browser(camera: Path | None = None) -> Iterator[Browser]:
    """A browser without a window; its camera sees a film, where there is one."""
    with sync_playwright() as playwright, _launched(playwright.chromium, camera) as chromium:
        yield chromium


@contextmanager
def another(chromium: Browser, camera: Path) -> Iterator[Browser]:
    """A second browser beside one that is open, whose camera sees a film."""
    with _launched(chromium.browser_type, camera) as second:
        yield second


@contextmanager
def _launched(kind: BrowserType, camera: Path | None) -> Iterator[Browser]:
    seen = (*SEES, f"--use-file-for-fake-video-capture={camera}") if camera else ()
    chromium = kind.launch(executable_path=CHROMIUM, args=[*QUIET, *seen], timeout=PATIENCE)
    yield chromium
    chromium.close()
