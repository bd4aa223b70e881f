"""Default signals for the programs that tests start, however the tests were started.

A shell starts what runs in the background with SIGINT and SIGQUIT ignored, ``nohup`` with SIGHUP
ignored; a supervisor may block some.  Programs that the tests start would inherit that.
"""

from __future__ import annotations

import signal

SET_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""Python ignores these, and `subprocess` restores them in its children."""


def start_children_with_default_signals() -> None:
    """Give each program that this process starts the default handling and an empty mask.

    This process still ignores what it ignored, by a function that does nothing: the
    system resets functions to the default when it starts a program, but not ignored signals.
    """
    for number in signal.valid_signals() - SET_BY_PYTHON:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, _do_nothing)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _do_nothing(*_: object) -> None:
    pass
