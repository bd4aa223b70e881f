"""Tests of ``nexio.metrics``, file by file."""
