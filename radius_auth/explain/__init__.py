"""Why a visitor gets on the Wi-Fi or not, in one sentence; and who has to wait for the guard.

It may import every package below it, and none of the server, the plugin or raddb.  Read
``explanation.py`` first.
"""
