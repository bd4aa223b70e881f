"""The store: its tables, how it is opened, and how changes are followed."""
