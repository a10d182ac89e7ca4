"""What libraries and the event loop log, as events of ours: one log, in one format.

Not for: what an event looks like (`gateway.server.output.logs`, `actors.logs.host_log`).
"""

import logging

import structlog

log = structlog.get_logger("questkeep.library")


def log_libraries() -> None:
    """From here on what the standard library's `logging` gets at `warning` is an event."""
    logging.basicConfig(handlers=[_LibraryHandler()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


class _LibraryHandler(logging.Handler):
    """Makes an event of each record."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write("a library reports", logger=record.name, message=message, exc_info=record.exc_info)
