"""The load generator: sends prepared requests, and verifies the replies when the clock has stopped.

Read ``load.py`` first; ``generator.c`` is what runs while the clock does.
"""
