"""The control plane's log: one JSON object a line, and how to read a line back for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from types import TracebackType

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else is a field that the caller gave as ``extra``."""


class JsonFormatter(logging.Formatter):
    """Writes a record as ``time``, ``level``, ``logger``, ``message``, its own fields and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record in one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str)


def log_as_json() -> None:
    """Log to stderr in JSON from here on: also warnings, and the exception that ends the process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end


def explanation(log: str) -> str:
    """Return why a process ended, from the last line of its log; a line may also be plain text."""
    lines = log.strip().splitlines()
    if not lines:
        return "it wrote nothing"
    try:
        line = json.loads(lines[-1])
    except ValueError:
        return lines[-1]
    if not isinstance(line, dict):
        return lines[-1]
    last = str(line.get("exception", "")).strip().splitlines()
    return last[-1] if last else str(line.get("message", lines[-1]))


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("the process ends", exc_info=(kind, error, trace))
