"""The bound on guessing: what the length of a PIN and the limits of the guard rest on.

Somebody who guesses for a whole day, from any number of devices and at any number of known
e-mails, finds a PIN of a location with a chance of at most ``BOUND``.  Two things hold it: the
guard evaluates at most ``GUESSES_A_DAY`` wrong guesses at one visit in a day, and PINs are drawn
long enough that these guesses, summed over the visits of a day, stay below the bound.
"""

from __future__ import annotations

from typing import Final

BOUND: Final = 1e-3
"""The greatest chance that somebody who guesses for a day finds a PIN of one location."""

GUESSES_A_DAY: Final = 12
"""Wrong guesses at one visit that are evaluated in any day: 8 at once, and 4 more in a day."""
