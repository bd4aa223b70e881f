"""Metrics for a monitor: an endpoint for Prometheus, and the numbers from the store.

It may import every package of ``nexio``.  Read ``endpoint.py`` first; what a RADIUS server counts
is in ``radius_auth/companion/numbers.py``.
"""
