"""Visits, PINs and tokens: registering, changing, reissuing and finding them; members.

The rules of the reception desk are here, once for every front end.  It may import
``nexio.network``, ``nexio.outbox`` and what is below them.  Read ``registration.py`` first.
"""
