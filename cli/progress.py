"""A bar for whatever takes longer than two seconds, where a person watches.

It goes to stderr, so that what a command prints on stdout stays clean, and it is gone when the work
is done.  Nothing is shown where stderr is no terminal.

Not for: logs.
"""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0


class Bar:
    """Counts steps of one work; `total` where it is known."""

    def __init__(
        self,
        doing: str,
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
        self._task = self._progress.add_task(doing, total=total)
        self._shown = False

    def step(self) -> None:
        """One more is done."""
        self.steps += 1
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
