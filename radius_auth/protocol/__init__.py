"""RADIUS packets: reading, verifying and writing them, duplicates, and what is discarded.

Only ``packet.py`` knows pyrad.  It may import ``radius_auth.decision`` and what is below it.  Read
``access_request.py`` first.
"""
