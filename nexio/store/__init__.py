"""The store: its tables, opening it, versions of the tables, and how changes are noticed.

Everything that speaks to the database goes through here.  It may import ``nexio.keys`` and what
is below it.  Read ``tables/__init__.py`` first, then ``engine.py``.
"""
