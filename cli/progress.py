"""Progress bar for work that takes longer than two seconds, on stderr while that is a terminal.

What a command prints on stdout stays clean, and the bar is gone when the work is done.

Not for: logs.
"""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0


class Bar:
    """Counts the steps of one piece of work; `total` is how many there are, where that is known."""

    def __init__(
        self,
        title: str,
        total: int | None = None,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps = 0
        self._clock = clock
        self._begun = clock()
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=total)
        self._shown = False

    def step(self, count: int = 1) -> None:
        """Count this many more; the bar appears with the first step after two seconds."""
        self.steps += count
        if not self._shown and self._clock() - self._begun >= PATIENCE_SECONDS:
            self._shown = True
            self._progress.start()
        if self._shown:
            self._progress.update(self._task, completed=self.steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()
