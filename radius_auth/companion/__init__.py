"""The companion: a process beside the workers, and the messages between them.

The companion follows the store, records decisions and shares the guard; a worker only answers.  It
may import ``radius_auth.recording`` and what is below it, and ``link.py``, which the workers use,
nothing that loads SQLAlchemy.  Read ``messages.py`` first, then ``hub.py`` and ``link.py``.
"""
