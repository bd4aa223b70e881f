"""Locations and their settings.

A location has a time zone and the settings that its visits, PINs and servers follow.  It may
import the store and what is below it.  Read ``locations.py`` first.
"""
