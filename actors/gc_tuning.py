"""The garbage collector of a process that holds many objects: users, or Ray and a web server."""

import gc

NEW_OBJECTS = 100_000
"""Objects made before a young collection; Python's default is 700."""


def collect_rarely() -> None:
    """Make cycle collection rare, and leave what stands now out of it for good.

    Rows, receipts and replies hold no cycles and go by reference counting, but thousands of users
    make each collection long: with the default thresholds it was a quarter of a turn's CPU
    (`benchmarks/host_turn.py`), and in a gateway it stood behind the slowest answers: p99 was 52 ms
    with it and 8 ms without.  What does make cycles (exceptions, tasks) is still collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 50)
