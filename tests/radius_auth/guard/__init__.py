"""The guard against guessing; what both servers make of it stands beside them."""
