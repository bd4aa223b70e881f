"""Packets, guests, NAS and real servers for the tests of the RADIUS side."""
