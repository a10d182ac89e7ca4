"""What the server prints for people, on stdout: never an error, never a wait.

Not for: events (`logs`), or what is printed (`startup_banner`, `serve`).
"""

import io
import sys

from rich.console import Console

from gateway.server.output.line_output import LineOutput


class _OutputFile(io.TextIOBase):
    """A `LineOutput` as rich wants its file."""

    def __init__(self, output: LineOutput, encoding: str, terminal: bool) -> None:
        self._output = output
        self._encoding = encoding
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Rich draws with what it can encode."""
        return self._encoding

    def write(self, text: str) -> int:
        """Hand on."""
        self._output.write(text)
        return len(text)

    def flush(self) -> None:
        """Nothing: `LineOutput.flush` is for the end."""

    def isatty(self) -> bool:
        """Whether somebody is watching."""
        return self._terminal


class ServerConsole(Console):
    """Prints to stdout.

    Attributes:
        output: to be flushed before the process ends.
    """

    def __init__(self) -> None:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.output = LineOutput(1, encoding)
        terminal = sys.stdout is not None and sys.stdout.isatty()
        file = _OutputFile(self.output, encoding, terminal)
        # Lines are as long as they are: a terminal breaks them, and they can be pasted.
        super().__init__(file=file, highlight=False, soft_wrap=True)  # type: ignore[arg-type]
