"""Tests of ``radius_auth.replica``, file by file."""
