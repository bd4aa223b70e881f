"""Checking in and out: with a PIN, a QR code, a scanner, or by hand; the end of the day.

A check-in or a check-out is called a tap here.  It may import ``nexio.reception`` and what is
below it.  Read ``check_ins.py`` first.
"""
