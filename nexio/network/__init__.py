"""Network data in the store: NAS, decisions, accounting, Wi-Fi sessions, data for RADIUS servers.

It reads and writes rows; it does not speak RADIUS.  It may import ``nexio.locations`` and what is
below it.  Read ``following.py`` first.
"""
