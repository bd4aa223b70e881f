"""Figures instead of claims: ``make bench`` prints them."""
