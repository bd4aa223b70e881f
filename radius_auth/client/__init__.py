"""Sends requests to a RADIUS server: a login or a status query.

It may import every package below it, but not the server, the plugin or raddb.  Read ``client.py``
first.
"""
