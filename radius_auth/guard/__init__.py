"""The guard against guessing: says which guesses are looked at, and counts the wrong ones.

It knows visits, locations and devices by their numbers and names; it may import ``nexio`` and
nothing of RADIUS, so that the tablet can use its bucket as well.  Read ``bucket.py`` first, then
``target.py``, ``guard.py`` and ``sharing.py``; ``docs/guessing.md`` explains it on one page.

These questions about a visit sound alike:

- ``Guard.is_untouched``: nothing but logins is known of it, and no sibling looks at a guess there.
- ``Guard.is_undisturbed``: that device was in, no guess counts there, and no sibling looks at one.
- ``Target.is_quiet``: no guess counts any more that anybody would have to wait for.
- ``Target.is_idle``: it may be forgotten: no device that was in is to be remembered either.
- ``Siblings.is_quiet``: all guesses that siblings have announced there were heard of.
"""

from radius_auth.guard.guard import Guard, Guess, Guessed, Opening

__all__ = ["Guard", "Guess", "Guessed", "Opening"]
