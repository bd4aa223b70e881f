"""A million broken packets against the server: ``make fuzz``."""
