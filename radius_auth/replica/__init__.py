"""The replica of the store in memory: the table of visits and NAS, and the code that updates it.

Requests are decided by this copy, so no request waits for the store.  It may import ``nexio``
only.  Read ``table.py`` first.
"""
