"""FreeRADIUS's folder of configuration (raddb): install the plugin, remove it, check it.

It reads and writes files, and answers no request.  It may import every package below it, but not
the server, the plugin or the client.  Read ``installation.py`` first, then ``checks.py``.
"""
