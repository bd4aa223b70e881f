"""The guard against guessing: says which guesses are looked at, and counts the wrong ones.

It knows visits, locations and devices by their numbers and names; it may import ``nexio`` and
nothing of RADIUS, so that the tablet can use its bucket as well.  Read ``bucket.py`` first, then
``target.py``, ``guard.py`` and ``sharing.py``; ``docs/guessing.md`` explains it on one page.
"""

from radius_auth.guard.guard import Guard, Guess, Guessed, Opening

__all__ = ["Guard", "Guess", "Guessed", "Opening"]
