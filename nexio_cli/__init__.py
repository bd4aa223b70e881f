"""The command line: it reads options, calls ``nexio`` or ``radius_auth``, and prints.

It may import both of them; nothing imports it.  Read ``main.py`` first, then one of ``commands/``.
"""
