"""What a monitor sees: an endpoint for Prometheus, and what it reads of the store.

It may import every package of ``nexio``.  Read ``endpoint.py`` first; what a RADIUS server counts
is in ``radius_auth/companion/numbers.py``.
"""
