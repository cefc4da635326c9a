"""
What the program tells of itself while it runs -> lines on standard error, which systemd keeps and rotates.

Promise P9: no personal data in logs. A line holds the words that stand in the code, never what was put into them, and
of further values those in ALLOWED only; of an error its class, never its text, which may quote a person. Libraries are
not listened to: nobody knows what they write.
"""

import json
import logging
import sys
from datetime import UTC, datetime

#: What a line may hold beside time, level, place and words: codes, numbers of our own, counts.
ALLOWED = ("mailbox", "step", "subject", "count", "problem", "error", "version", "worker", "exit_code")

_OURS = ("dsar", "connectors")


class JsonLines(logging.Formatter):
    """One JSON object per line, for a machine: at (UTC), level, logger, message, and what is ALLOWED."""

    def format(self, record: logging.LogRecord) -> str:
        head = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": str(record.msg),
        }
        return json.dumps(head | _told(record), ensure_ascii=True, default=str)


class Words(logging.Formatter):
    """The same for a person who has called one command."""

    def format(self, record: logging.LogRecord) -> str:
        told = ", ".join(f"{key} {value}" for key, value in _told(record).items())
        return f"{record.levelname.capitalize()}: {record.msg}{f' ({told})' if told else ''}"


def _told(record: logging.LogRecord) -> dict[str, object]:
    told = {key: vars(record)[key] for key in ALLOWED if key in vars(record)}
    if record.exc_info and record.exc_info[0]:
        told.setdefault("error", record.exc_info[0].__name__)
    return told


class _StandardError(logging.Handler):
    """Writes to whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")
        sys.stderr.flush()


def listen(formatter: logging.Formatter, *, level: int) -> None:
    """Write our own lines of at least *level* to standard error, and nobody else's anywhere."""
    handler = _StandardError()
    handler.setFormatter(formatter)
    for name in _OURS:
        ours = logging.getLogger(name)
        ours.handlers[:] = [handler]
        ours.setLevel(level)
        ours.propagate = False
    logging.getLogger().handlers[:] = [logging.NullHandler()]
