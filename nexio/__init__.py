"""What a visit, an access token and a location are, and the store that holds them."""

__version__ = "0.1.0"
