"""Tests of ``radius_auth.plugin``, file by file."""
