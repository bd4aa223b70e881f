"""Helpers for tests of the pages."""
