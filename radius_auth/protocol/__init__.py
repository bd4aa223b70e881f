"""Reads, verifies and writes RADIUS packets, detects duplicates, and counts discarded packets.

Only ``pyrad_codec.py`` knows pyrad.  It may import ``radius_auth.decision`` and what is below it.
Read ``packet.py`` first, then ``access_request.py`` and ``replies.py``.
"""
