"""The callbacks of rlm_python3: FreeRADIUS calls these functions.

``freeradius/mods-available/nexio`` names them.  rlm_python3 of FreeRADIUS 3.2 needs plain numbers
and tuples of text; a return code in every case, because without one it accepts; and no exception,
because an exception rejects.
"""

from __future__ import annotations

import functools
import gc
import getopt
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import radiusd

from nexio.clock import utc_now
from nexio.configuration import Configuration, read_environment
from nexio.errors import KeyUnusable, NexioError
from nexio.input.durations import parse_duration
from nexio.metrics.place import Place
from radius_auth.plugin.background import Background
from radius_auth.plugin.calls import CallResult, ReturnCode
from radius_auth.plugin.pairs import SENDER
from radius_auth.plugin.plugin import Plugin
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Discarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from radius_auth.plugin.pairs import Pairs, Updates

Returned: TypeAlias = tuple[int, "Updates", "Updates"]

log = logging.getLogger(__name__)

READ_SECONDS = 5.0
"""How long the start of FreeRADIUS waits for the store: from then on it answers at once."""

COMMAND_LINE = Path("/proc/self/cmdline")

_OPTIONS = "Cd:D:fhi:l:L:Mmn:p:PstTvxX"
"""The options of FreeRADIUS 3.2, for getopt."""


class _Log(logging.Handler):
    """Forwards Python's log to FreeRADIUS's."""

    _LEVELS = (
        (logging.ERROR, radiusd.L_ERR),
        (logging.WARNING, radiusd.L_WARN),
        (logging.INFO, radiusd.L_INFO),
    )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, one FreeRADIUS line for each of its lines."""
        level = next((there for here, there in self._LEVELS if record.levelno >= here), None)
        for line in self.format(record).splitlines() if level is not None else ():
            radiusd.radlog(level, f"nexio: {line}")


class _Running:
    """The state of the module, from the start of FreeRADIUS to its end."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        environment = read_environment(Path(config["environment"]))
        self.background = Background(
            Configuration.from_environment(environment),
            parse_duration(config.get("max_staleness", "24h")),
            config["packages"],
            metrics_listen=Place.parse(place) if (place := config.get("metrics_listen")) else None,
        )
        background = self.background
        self.plugin = Plugin(
            background.table,
            background.guard,
            background.record,
            background.account,
            utc_now,
            background.slots.ask,
            background.signatures,
        )
        self.discards = background.discards


_FAIL: Returned = (int(ReturnCode.FAIL), (), ())
_running: _Running | None = None


def instantiate(_: object = None) -> int:
    """Start, and read the store, so that the first guest is answered.

    FreeRADIUS has forked, and runs as its user, before it loads modules.  If it only checks its
    configuration, nothing is touched.
    """
    global _running  # noqa: PLW0603 - FreeRADIUS calls functions of a module, not of an object
    _set_up_log()
    # Our threads yield to a guest quickly: Python's default of 5 ms is a hundred logins.
    sys.setswitchinterval(0.0005)
    try:
        _running = _Running(radiusd.config)
    except (KeyError, NexioError) as error:
        log.error("the configuration of the module nexio cannot be used: %s", error)  # noqa: TRY400
        return -1
    if not _is_check(COMMAND_LINE.read_text(errors="replace").split("\0")[1:]):
        _running.background.start(READ_SECONDS)
    return int(ReturnCode.OK)


def authorize(pairs: Pairs) -> Returned:
    """See `Plugin.authorize`."""
    return _call(Plugin.authorize, pairs)


def authenticate(pairs: Pairs) -> Returned:
    """See `Plugin.authenticate`."""
    return _call(Plugin.authenticate, pairs)


def post_auth(pairs: Pairs) -> Returned:
    """See `Plugin.post_auth`."""
    return _call(Plugin.post_auth, pairs)


def accounting(pairs: Pairs) -> Returned:
    """See `Plugin.accounting`."""
    return _call(Plugin.accounting, pairs)


def detach(_: object = None) -> int:
    """Stop, as FreeRADIUS ends."""
    if _running is not None:
        _running.background.stop()
    # Otherwise some connections to SQLite would be closed only as Python ends, which aborts
    # FreeRADIUS: closing releases the interpreter's lock, which rlm_python3 no longer holds then.
    gc.collect()
    return int(ReturnCode.OK)


def _call(ask: Callable[[Plugin, Pairs], CallResult], pairs: Pairs) -> Returned:
    """Call the plugin; any error is logged, and the request gets no answer."""
    if _running is None:
        return _FAIL
    try:
        result = ask(_running.plugin, pairs)
    except (Discarded, KeyUnusable) as error:
        reason = error.reason if isinstance(error, Discarded) else DiscardReason.KEY_MISSING
        _running.discards.count(reason, dict(pairs).get(SENDER, "a NAS"), time.monotonic())
        return _FAIL
    except Exception:
        log.exception("a request could not be answered")
        return _FAIL
    return int(result.outcome), result.reply, result.control


def _is_check(words: list[str]) -> bool:
    """Whether FreeRADIUS was started with ``-C``."""
    try:
        options, _ = getopt.getopt(words, _OPTIONS)
    except getopt.GetoptError:
        return False
    return any(name == "-C" for name, _ in options)


@functools.cache
def _set_up_log() -> None:
    handler = _Log()
    for name in ("nexio", "radius_auth"):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
