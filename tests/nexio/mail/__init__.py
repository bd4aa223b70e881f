"""Tests of mail: what waits, how it reads, and sending it."""
