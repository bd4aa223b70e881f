"""Tests of ``nexio_cli.commands``, file by file."""
