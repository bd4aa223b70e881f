"""Tests of ``nexio.outbox``, file by file."""
