"""Helpers that tests share: visitors, stores, servers, clocks.  They hold no test."""
