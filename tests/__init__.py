"""The same tree as the code, once more."""
