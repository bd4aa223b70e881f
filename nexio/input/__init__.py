"""What people type: names, e-mail addresses, durations, arrivals, dates and time zones.

It parses text and returns values; it knows neither the store nor visits.  It may import only
``nexio.errors``.  Read ``arrivals.py`` first.
"""
