"""Tests of the domain: visits, tokens, settings and the store."""
