"""What commands share on the terminal: options, questions, output, JSON.

It may import ``nexio`` and ``radius_auth``, but no command.  Read ``options.py`` first.
"""
