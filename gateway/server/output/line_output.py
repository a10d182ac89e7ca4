"""Output that never fails and never waits: for a descriptor that may be closed, full or stuck.

A log's reader may die, its disk may be full, its pipe may be read by nobody.  None of that may
decide what a client hears or how the server stops: lines are written by a thread of their own, and
what cannot be written, or is more than may wait, is counted as lost.

Not for: what a line says (`logs`, `startup_banner`).
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable

WAITING_BYTES_MAX = 4 * 1024 * 1024
"""Of lines that are not written yet; beyond it new ones are lost."""
RETRY_SECONDS = 0.5


class LineOutput:
    """Writes to one file descriptor; the descriptor stays whoever's it was.

    Args:
        on_lost: told how many writes were lost, once one succeeds again; called in the thread.
    """

    def __init__(
        self,
        descriptor: int,
        encoding: str = "utf-8",
        on_lost: Callable[[int], None] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._lost = 0
        self._cut_off = False
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        """Have `text` written, soon and in order, or lost."""
        data = text.encode(self._encoding, "backslashreplace")
        with self._changed:
            if self._waiting_bytes + len(data) > WAITING_BYTES_MAX:
                self._lost += 1
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="output", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until all is written or lost; False when that takes longer than `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                data = self._waiting[0]
            written = self._write_all(b"\n" + data if self._cut_off else data)
            with self._changed:
                self._waiting.popleft()
                self._waiting_bytes -= len(data)
                self._lost += not written
                lost = self._lost if written else 0
                self._lost -= lost
                self._changed.notify_all()
            if lost and self._on_lost is not None:
                self._on_lost(lost)

    def _write_all(self, data: bytes) -> bool:
        """Whether all of it was written; one that was cut off is ended before the next begins."""
        start = 0
        try:
            while start < len(data):
                start += self._write_some(data[start:])
        except OSError:
            self._cut_off = self._cut_off or start > 0
            return False
        self._cut_off = False
        return True

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # others share the descriptor and want it so
            select.select([], [self._descriptor], [], RETRY_SECONDS)
            return 0
