"""The plugin inside FreeRADIUS: from its pairs of text to a decision, and back.

``radius_auth/freeradius.py`` is what FreeRADIUS calls; it calls this package.  It may import every
package below it, and none of the server, the client or raddb.  Read ``plugin.py`` first.
"""
