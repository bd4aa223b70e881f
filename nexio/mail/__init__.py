"""Sends mail: its text, its attachments, and the connection to a mail server.

It sends what waits in ``nexio.outbox``.  It may import ``nexio.reception`` and what is below it.
Read ``delivery.py`` first.
"""
