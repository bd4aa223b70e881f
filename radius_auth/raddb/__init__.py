"""Installs the plugin in FreeRADIUS's configuration folder (raddb), removes it, and checks it.

It reads and writes files, and answers no request.  It may import every package below it, but not
the server, the plugin or the client.  Read ``installation.py`` first, then ``checks.py``.
"""
