"""Ending sessions."""
