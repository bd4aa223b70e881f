"""Requests of our own: a login or a status to a RADIUS server, a disconnect to a NAS.

It may import every package below it, but not the server, the plugin or raddb.  Read ``client.py``
first.
"""
