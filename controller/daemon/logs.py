"""The daemon's log on standard error: one message, one line, whatever a device or a broker has said."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from drivers.plain import plain

Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PlainFormatter(logging.Formatter):
    """Messages and tracebacks without control characters; a new line in a message cannot begin a line of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = plain(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Error) -> str:  # noqa: N802 - the name is logging's
        return "\n".join(plain(line) for line in super().formatException(ei).split("\n"))


def begin() -> None:
    """Log to standard error from here on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
