"""Tests of ``nexio.checkin``, file by file."""
