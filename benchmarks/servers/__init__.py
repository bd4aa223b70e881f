"""The servers that are measured: each is started here, with the same visitors, on ports of its own.

Read ``lineup.py`` first.
"""
