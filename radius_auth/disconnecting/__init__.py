"""Ends sessions by asking their NAS, by itself when their guest may not be on any more.

It may import the decision, the protocol and what lies below them.  Read ``ending.py`` first.
"""
