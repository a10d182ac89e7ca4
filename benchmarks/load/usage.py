"""What processes have used so far: CPU time, and bytes written to the disk.

Not for: rates and latencies (`runs`).
"""

import contextlib
from collections.abc import Iterator

import psutil
from msgspec import Struct


class Usage(Struct, frozen=True):
    """CPU seconds of the processes that take HTTP and of the others, and bytes written.

    `disk_bytes` are those sent to the disk, `journal_bytes` what a journal took of them; 0 where
    nobody has counted it.
    """

    front_seconds: float = 0.0
    other_seconds: float = 0.0
    disk_bytes: int = 0
    journal_bytes: int = 0

    def since(self, before: "Usage") -> "Usage":
        """What was used between two looks."""
        return Usage(
            self.front_seconds - before.front_seconds,
            self.other_seconds - before.other_seconds,
            self.disk_bytes - before.disk_bytes,
            self.journal_bytes - before.journal_bytes,
        )


def below(pid: int) -> Iterator[tuple[int, float, int]]:
    """A process and all that it started: id, CPU seconds, and bytes sent to the disk of each.

    Those that have ended meanwhile are left out.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                yield process.pid, times.user + times.system, process.io_counters().write_bytes
