"""Tests of ``nexio.network``, file by file."""
