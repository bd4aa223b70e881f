"""Tests of ``nexio.locations``, file by file."""
