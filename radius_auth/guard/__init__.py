"""The guard against guessing: decides which guesses are checked, and counts the wrong ones.

It knows visits, locations and devices by their numbers and names; it may import ``nexio`` and
nothing of RADIUS, so that the tablet can use its bucket as well.  Read ``bucket.py`` first, then
``target.py``, ``guard.py`` and ``sharing.py``; ``docs/guessing.md`` explains it on one page.

These predicates of a visit are easily confused:

- ``Guard.is_untouched``: only logins are known of it, and no sibling is checking a guess there.
- ``Guard.is_undisturbed``: that device was in, no guess counts, and no sibling is checking one.
- ``Target.is_quiet``: no guess counts any more that anybody would have to wait for.
- ``Target.is_idle``: it may be forgotten: it has no device that was in to remember either.
- ``Siblings.is_quiet``: every guess that siblings have announced there has arrived here.
"""

from radius_auth.guard.guard import Guard, Guess, Guessed, Opening

__all__ = ["Guard", "Guess", "Guessed", "Opening"]
