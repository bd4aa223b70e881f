"""Tests of ``radius_auth.server``, file by file."""
