"""Stops one thread at a named step, until told to go on: a process paused at an instruction."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from persistence import failpoints


class Pause:
    """The first thread to arrive at `step` stops there; all later ones pass."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._first = threading.Lock()
        self.arrived = threading.Event()
        self.go_on = threading.Event()

    def reached(self, step: str) -> None:
        if step == self._step and self._first.acquire(blocking=False):
            self.arrived.set()
            assert self.go_on.wait(60), "nobody let the paused thread go on"


@contextmanager
def paused_at(step: str) -> Iterator[Pause]:
    pause = Pause(step)
    failpoints.on_failpoint = pause.reached
    try:
        yield pause
    finally:
        pause.go_on.set()
        failpoints.on_failpoint = None
