"""Visits, PINs and tokens: registering, changing, reissuing and finding them; members.

What the reception desk promises is decided here, once for every front end.  It may import
``nexio.network``, ``nexio.outbox`` and what is below them.  Read ``registration.py`` first.
"""
