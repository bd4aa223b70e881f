"""Tests of the store itself: opening it, writing to it, following it."""
