"""Files that nexio puts into the configuration of other programs: FreeRADIUS, systemd.

Nothing of an engineer's is overwritten or removed, and what was put there can be taken out to the
byte.  It may import ``nexio.errors`` only.  Read ``plan.py`` first.
"""
