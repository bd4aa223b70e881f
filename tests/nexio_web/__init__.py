"""Tests of nexio_web."""
