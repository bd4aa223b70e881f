"""Brings decisions and accounting into the store, by way of a spool on disk.

A crash or a store that is away loses nothing that was answered.  It may import
``radius_auth.protocol`` and what is below it.  Read ``recorder.py`` first.
"""
