"""What one call of the plugin leaves for the next one: FreeRADIUS keeps it with the request."""

from __future__ import annotations

from dataclasses import dataclass

from radius_auth.decision.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What one call leaves for the next one: FreeRADIUS keeps it with the request, as text."""

    visit_id: int = 0
    reason: Reason | None = None
    guess: int = 0
    """The number of the guess that is counted until the PIN is proven; 0 for none."""

    took_us: int = 0
    """Microseconds that our part took so far."""

    def __str__(self) -> str:
        """One line, which :func:`parse_note` reads back."""
        return f"{self.visit_id} {self.guess} {self.took_us} {self.reason or ''}"


def parse_note(text: str | None) -> Note:
    """Read a note; an empty one, which proves nothing, where there is none or another text."""
    try:
        visit_id, guess, took_us, reason = (text or "").split(" ", 3)
        return Note(
            visit_id=int(visit_id),
            guess=int(guess),
            took_us=int(took_us),
            reason=Reason(reason) if reason else None,
        )
    except ValueError:
        return Note()
