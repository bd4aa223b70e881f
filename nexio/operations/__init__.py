"""Maintenance of a store: health, integrity, backup, key rotation, housekeeping.

No visit or login depends on it for correctness.  It may import all of ``nexio``.  Read
``health.py`` first.
"""
