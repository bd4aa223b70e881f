"""Starts the servers that are measured, with the same visitors, each on ports of its own.

Read ``lineup.py`` first.
"""
