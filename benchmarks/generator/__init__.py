"""The load generator: prepared requests go out, replies are kept and verified after the clock.

Read ``load.py`` first; ``generator.c`` is what runs while the clock does.
"""
