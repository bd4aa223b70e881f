"""Explains in a sentence why a visitor gets on the Wi-Fi or not, and lists waits of the guard.

It may import every package below it, but not the server, the plugin or raddb.  Read
``explanation.py`` first.
"""
