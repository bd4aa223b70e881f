"""Tests of ``nexio.input``, file by file."""
