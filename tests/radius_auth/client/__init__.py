"""Tests of ``radius_auth.client``, file by file."""
