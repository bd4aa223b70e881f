"""What a visit, an access token and a location are, and the store that holds them.

It may import neither ``radius_auth`` nor ``nexio_cli``, and knows no command line and no RADIUS.
Read ``reception/registration.py`` first; ``docs/architecture.md`` draws its way into the store.
"""

__version__ = "0.1.0"
