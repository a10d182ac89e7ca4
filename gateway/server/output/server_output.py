"""All that a serving process says: events on stderr, and its console on stdout.

Not for: what is said.
"""

from typing import NamedTuple

from gateway.server.output.console import ServerConsole
from gateway.server.output.line_output import LineOutput
from gateway.server.output.logs import log_to_stderr

FLUSH_SECONDS = 0.3
"""For what was logged and printed, when the process ends."""


class ServerOutput(NamedTuple):
    """Neither waits for whoever reads it; `flush` is for the end of the process."""

    console: ServerConsole
    logs: LineOutput

    @classmethod
    def begin(cls, log_level: str, log_format: str) -> "ServerOutput":
        """From here on events go to stderr."""
        return cls(logs=log_to_stderr(log_level, log_format), console=ServerConsole())

    def flush(self) -> None:
        """Wait a moment for what was logged and printed to leave."""
        self.logs.flush(FLUSH_SECONDS)
        self.console.output.flush(FLUSH_SECONDS)
