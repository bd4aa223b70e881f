"""Tests of ``nexio.keys``, file by file."""
