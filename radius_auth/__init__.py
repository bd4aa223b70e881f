"""Decides logins of guests, and serves them: the RADIUS server, and the plugin for FreeRADIUS.

It may import ``nexio``, and nothing of ``nexio_cli``.  Read ``decision/decide.py`` first for a
rule, and ``server/responder.py`` for a datagram.  ``docs/architecture.md`` draws the path of a
login.
"""
