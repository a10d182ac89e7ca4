"""What the log looks like: one event a line, for people or as JSON, on stderr.

Never in it: a token, a secret, a request's body.  Tracebacks show code, not the values of local
variables, since those may be any of the three.  User ids appear at `debug` only.

Not for: counting (`metrics`), or a log that cannot be written (`line_output`).
"""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from actors.logs.library_log import log_libraries
from gateway.server.output.line_output import LineOutput

log = structlog.get_logger("questkeep.log")

Write = Callable[[str], None]


class _LineLogger:
    """What structlog hands finished lines to."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def msg(self, line: str) -> None:
        """Write one event."""
        self._write(line + "\n")

    debug = info = warning = error = critical = msg


def log_to_stderr(level: str, log_format: str, gateway: int | None = None) -> LineOutput:
    """Send events of `level` and above to stderr; what libraries log at `warning` is among them.

    See `configure_logs`.  What comes back is to be flushed before the process ends.
    """
    output = LineOutput(2, on_lost=lambda count: log.warning("log lines were lost", count=count))
    configure_logs(level, log_format, output.write, gateway)
    log_libraries()
    return output


def configure_logs(level: str, log_format: str, write: Write, gateway: int | None = None) -> None:
    """Give events of `level` and above to `write`, as `console` or `json` lines.

    `gateway` is this process's number where it is a worker; each line has it.
    """
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_time,
    ]
    if gateway is not None:
        processors.append(lambda _, __, event: {**event, "gateway": gateway})
    if log_format == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: _LineLogger(write),
        cache_logger_on_first_use=True,
    )


_time = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _add_time(logger: Any, method: str, event: Any) -> Any:
    """Now, unless the event brings its time along: hosts say when theirs happened."""
    return event if "timestamp" in event else _time(logger, method, event)
