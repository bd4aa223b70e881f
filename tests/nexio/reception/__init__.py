"""Tests of ``nexio.reception``, file by file."""
