"""``nexio explain``: why a visitor gets on the Wi-Fi or not, in one sentence.

It may import every package below it, and none of the server, the plugin or raddb.  Read
``explanation.py`` first.
"""
