"""Tests of `make bench`: that its opponents start, and that it notices what is wrong."""
