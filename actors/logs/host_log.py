"""The log of a host: events that travel to the server and stand in its log, in its format.

On the server's own machine a host sends them over a socket: that works on a full disk, with a Ray
that is broken, and for the last words of a process that ends itself.  On other nodes it prints them
behind a mark, and Ray carries what its workers print; what is logged while such a host drains is
given to the caller instead, because Ray may end before it has carried that.

Not for: what the log looks like (`gateway.server.output.logs`).
"""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from actors.logs.host_events import MARK, shorten
from actors.logs.library_log import log_libraries

SEND_SECONDS = 0.2
"""How long the server may take to make room for an event; then it is lost."""


class HostLog:
    """The log of this process, which is a host: its events go to the server.

    Args:
        level: of events that are not worth less; None leaves the process's log as it is.
        socket_path: where a server on this machine listens for events.
    """

    def __init__(self, host: str, level: str | None, socket_path: str | None) -> None:
        self._collected: list[str] | None = None
        self._socket: socket.socket | None = None
        if level is None:
            return
        if socket_path is not None:
            self._connect(socket_path)
        self._configure(host, level)
        log_libraries()

    def _connect(self, path: str) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(SEND_SECONDS)
            connection.connect(path)
        except OSError:  # another machine's
            connection.close()
        else:
            self._socket = connection

    def _configure(self, host: str, level: str) -> None:
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                lambda _, __, event: {"host": host, **event},
                structlog.processors.format_exc_info,
                lambda _, __, event: shorten(dict(event)),
                structlog.processors.JSONRenderer(default=str),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(
                logging.getLevelName(level.upper())
            ),
            logger_factory=lambda *_: _LineLogger(self),
            cache_logger_on_first_use=True,
        )

    @contextmanager
    def collected(self) -> Iterator[list[str]]:
        """The block's events, where nobody else would carry them in time."""
        lines: list[str] = []
        self._collected = lines
        try:
            yield lines
        finally:
            self._collected = None

    def write(self, line: str) -> None:
        """Hand an event on; one that cannot be is lost, and nothing else comes of it."""
        data = f"{MARK}{line}\n".encode()
        if self._socket is not None:
            try:
                self._socket.sendall(data)
                return
            except OSError:  # the server is gone, or it was cut off in the middle of an event
                self._socket.close()
                self._socket = None
        if self._collected is not None:
            self._collected.append(line)
            return
        with suppress(OSError):
            os.write(2, data)


class _LineLogger:
    """What structlog hands finished lines to."""

    def __init__(self, host_log: HostLog) -> None:
        write: Any = host_log.write
        self.debug = self.info = self.warning = self.error = self.critical = write
