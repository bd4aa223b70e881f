"""What people type: names, e-mail addresses, durations, arrivals, dates and time zones.

It reads text and returns values; it knows neither the store nor a visit.  It may import only
``nexio.errors``.  Read ``arrivals.py`` first.
"""
