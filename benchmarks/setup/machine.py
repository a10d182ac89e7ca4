"""Which machine it was: what the numbers depend on, told beside them."""

import os
import platform
import statistics
import time
from pathlib import Path

from benchmarks.setup.processes import BENCH

SYNCS = 200


def facts() -> dict[str, str]:
    """Processor, cores, memory, kernel, and how long the disk takes to sync a small write."""
    return {
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "fdatasync_p50": f"{sync_microseconds():.0f} us (append of 1 kB)",
    }


def sync_microseconds() -> float:
    """The median time of a 1 kB append and its fdatasync, where the peers keep their rows."""
    path = BENCH / "run" / f"sync-{os.getpid()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    spent = []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(b"x" * 1024)
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(spent) * 1e6


def _line(path: str, key: str) -> str:
    """The first value of `key` in a file of "key : value" lines."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "?")
