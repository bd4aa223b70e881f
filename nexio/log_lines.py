"""Formats of the servers' log lines: text for people, JSON for programs that collect logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from nexio.server_options import JSON

TEXT_LINE: Final = "%(asctime)s %(levelname)s %(message)s"


def formatter_of(log_format: str) -> logging.Formatter:
    """The formatter for ``text`` or ``json`` lines."""
    return JsonLines() if log_format == JSON else logging.Formatter(TEXT_LINE)


class JsonLines(logging.Formatter):
    """Writes each record as one line with a JSON object, in ASCII, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
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
