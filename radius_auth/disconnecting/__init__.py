"""Sessions that are to end: asking their NAS, and doing so by itself for who may not be on.

It may import the decision, the protocol and what lies below them.  Read ``ending.py`` first.
"""
