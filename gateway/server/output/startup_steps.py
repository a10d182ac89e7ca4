"""What a start is at: a line for each step with its time, on a terminal and in a pipe.

Not for: the end of it (`startup_banner`).
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

SLOW_SECONDS = 3.0
"""A step that takes longer is named before it is done."""


class StartupSteps:
    """The steps of one start, in order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._last = time.monotonic()

    def done(self, step: str) -> None:
        """Say what is done, and how long it took since the step before."""
        now = time.monotonic()
        self._print(f"{now - self._last:6.1f} s  {step}")
        self._last = now

    @contextmanager
    def step(self, step: str) -> Iterator[None]:
        """Say so once the block is done, and before if it is slow; one that raises says nothing."""
        loop = asyncio.get_running_loop()
        slow = loop.call_later(SLOW_SECONDS, self._print, f"     …    {step}: not yet")
        try:
            yield
        finally:
            slow.cancel()
        self.done(step)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False)
