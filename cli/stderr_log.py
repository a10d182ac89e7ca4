"""Log events of operators' commands, one line each on stderr: stdout is for what was asked for.

Not for: a server's log (`gateway.server.output.logs`).
"""

import logging

import structlog
import typer


class _Echo:
    """Writes to whatever stderr is at that moment."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        typer.echo(line, err=True)

    debug = info = warning = error = critical = msg


def log_to_stderr() -> None:
    """Send events of level `info` and above to stderr, as lines for people."""
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Echo,
        cache_logger_on_first_use=False,
    )
