"""Tests of ``radius_auth.decision``, file by file."""
