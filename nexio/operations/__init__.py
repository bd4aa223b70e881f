"""Looking after a store: health, integrity, backup, key rotation, housekeeping.

Nothing here is needed for a visit or a login to be right.  It may import all of ``nexio``.  Read
``health.py`` first.
"""
