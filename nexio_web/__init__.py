"""The web pages for tablets, reception and phones, and ``nexio-webd``, which serves them.

It may import ``nexio`` and, of ``radius_auth``, only ``decision`` and ``guard``; it knows no
RADIUS and no command line.  Read ``kiosk.py`` first, then ``door.py``.  Handlers are thin: the
logic is in ``nexio``, so that the tablet and the desk have the same rules.
"""
