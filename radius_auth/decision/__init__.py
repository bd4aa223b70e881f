"""May this guest on now?  The rules, what is asked and answered, and the words for it.

It does no I/O of its own and speaks no RADIUS; both servers and ``nexio explain`` call it.  It may
import ``nexio``, ``radius_auth.replica`` and ``radius_auth.guard``.  Read ``decide.py`` first.
"""
