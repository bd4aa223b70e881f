"""Files that nexio puts into the configuration of other programs: FreeRADIUS, systemd.

It never overwrites or removes an engineer's files, and removing its own restores the folder byte
for byte.  It may import ``nexio.errors`` only.  Read ``plan.py`` first.
"""
