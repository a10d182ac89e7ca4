"""What the log looks like: one event a line, for people or as JSON, on stderr.

Never in it: a token, a secret, a request's body.  Tracebacks show code, not the values of local
variables, since those may be any of the three.  User ids appear at `debug` only.

Not for: counting (`metrics`).
"""

import logging
import sys
from typing import Any

import structlog


def configure_logs(level: str, log_format: str, gateway: int | None = None) -> None:
    """Send events of `level` and above to stderr, as `console` or `json` lines.

    `gateway` is this process's number where it is a worker; each line has it.
    """
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
