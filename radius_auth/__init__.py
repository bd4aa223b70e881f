"""Decides logins of guests, and serves them: the RADIUS server, and the plugin for FreeRADIUS.

It may import ``nexio``, and nothing of ``nexio_cli``.  Read ``decision/decide.py`` first;
``docs/architecture.md`` draws the path of a login.
"""
