"""FreeRADIUS's folder of configuration: installing the plugin, removing it, checking it.

It reads and writes files, and answers no request.  It may import every package below it, and none
of the server, the plugin or the client.  Read ``installation.py`` first, then ``checks.py``.
"""
