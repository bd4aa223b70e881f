"""The pages: what a tablet at the door shows, and ``nexio-webd``, which serves it.

It may import ``nexio`` and, of ``radius_auth``, only ``decision`` and ``guard``; it knows no
RADIUS and no command line.  Read ``kiosk.py`` first, then ``door.py``.  Handlers are thin: what
they do is in ``nexio``, so that the tablet and the desk have the same rules.
"""
