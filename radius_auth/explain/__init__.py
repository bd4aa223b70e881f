"""Why a visitor gets on the Wi-Fi or not, in one sentence; and who has to wait for the guard.

It may import every package below it, but not the server, the plugin or raddb.  Read
``explanation.py`` first.
"""
