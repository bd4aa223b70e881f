"""Tests of ``radius_auth.recording``, file by file."""
