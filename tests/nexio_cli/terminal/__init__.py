"""Tests of ``nexio_cli.terminal``, file by file."""
