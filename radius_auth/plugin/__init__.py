"""The plugin inside FreeRADIUS: from FreeRADIUS's pairs of text to a decision, and back.

FreeRADIUS calls ``radius_auth/freeradius.py``, which calls this package.  It may import every
package below it, but not the server, the client or raddb.  Read ``plugin.py`` first.
"""
