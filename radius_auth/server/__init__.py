"""``nexio-radiusd``: its processes, its sockets, and the path from a datagram to its reply.

It may import every package below it, and none of the plugin, the client or raddb.  Read
``responder.py`` first.
"""
