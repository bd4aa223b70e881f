"""Sending mail: what it says, its attachments, and handing it to a mail server.

It takes what waits in ``nexio.outbox``.  It may import ``nexio.reception`` and what is below it.
Read ``delivery.py`` first.
"""
