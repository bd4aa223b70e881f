"""Tests of ``nexio.operations``, file by file."""
