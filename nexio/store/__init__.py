"""The store: its tables and their versions, access to it, and how changes are noticed.

All access to the database goes through here.  It may import ``nexio.keys`` and what
is below it.  Read ``tables/__init__.py`` first, then ``engine.py``.
"""
