"""The least that a module of rlm_python3 can do: it names the PIN, and FreeRADIUS compares."""

from __future__ import annotations

from pathlib import Path

import radiusd

PINS: dict[str, str] = {}


def instantiate(_: object) -> int:
    """Read the PINs that lie beside this file."""
    lines = Path(__file__).with_name("pins").read_text().splitlines()
    PINS.update((email, pin) for email, pin in (line.split("\t") for line in lines))
    return 0


def authorize(request: tuple[tuple[str, str], ...]) -> object:
    """Name the PIN of the visitor."""
    pin = PINS.get(dict(request).get("User-Name", ""))
    if pin is None:
        return radiusd.RLM_MODULE_NOTFOUND
    return radiusd.RLM_MODULE_UPDATED, (), (("Cleartext-Password", pin),)
