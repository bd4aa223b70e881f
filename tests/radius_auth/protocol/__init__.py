"""Tests of ``radius_auth.protocol``, file by file."""
