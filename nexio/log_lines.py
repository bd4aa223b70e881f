"""Lines of a server's log: text for people, JSON for programs that gather logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from nexio.server_options import JSON

TEXT_LINE: Final = "%(asctime)s %(levelname)s %(message)s"


def formatter_of(log_format: str) -> logging.Formatter:
    """What writes a line in a format, ``text`` or ``json``."""
    return JsonLines() if log_format == JSON else logging.Formatter(TEXT_LINE)


class JsonLines(logging.Formatter):
    """Each line an object, in ASCII; whatever is in a message, it stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
