"""The commands of ``nexio``, one file for each noun.

Each file has a click command called ``command``, which ``nexio_cli/main.py`` loads when it is
called.  They may import everything, and import what is slow inside their functions.  Read
``visitor.py`` first.
"""
