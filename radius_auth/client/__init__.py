"""Asking others over RADIUS: a server for a login or its status, a NAS to end a session.

It may import every package below it, and none of the server, the plugin or raddb.  Read
``client.py`` first.
"""
