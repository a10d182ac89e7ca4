"""What a bench needs before it begins: to be alone in its checkout, and open files."""

import fcntl
import resource
import shutil
import sys
from typing import IO

from benchmarks.setup.processes import BENCH

CONNECTIONS_MAX = 1_000


def only_one() -> IO[bytes]:
    """Hold the lock of this checkout's bench for as long as the file is open.

    What a killed run left behind in `.bench/run` is removed.  Exits when another one runs.
    """
    BENCH.mkdir(exist_ok=True)
    lock = (BENCH / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another bench is running in this checkout")
    shutil.rmtree(BENCH / "run", ignore_errors=True)
    (BENCH / "run").mkdir()
    return lock


def more_open_files() -> None:
    """As many open files as allowed; servers and clients inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < CONNECTIONS_MAX + 256:
        print(f"only {most} open files are allowed; {CONNECTIONS_MAX} connections may break")
