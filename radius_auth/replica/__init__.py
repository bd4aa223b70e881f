"""What a server knows of the store: the table of visits, the NAS, and keeping both current.

Requests are decided by this copy in memory, so no request waits for the store.  It may import
``nexio`` only.  Read ``table.py`` first.
"""
