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


NEW_OBJECTS_OF_A_HOST = 10_000
"""Some 5 ms of a collection, where users' rows are cold."""


def collect_new_objects_only() -> None:
    """Make collections short: for a host, whose users stay and hold no cycles.

    What outlives one collection is left out of all that follow, in place of the collection of the
    older generation: with 2 million objects, some 7,500 users, that one stood still for a second.
    A cycle that is alive at that moment and garbage later stays until the process ends; in a host
    those are a few tasks and exceptions.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_OF_A_HOST, 20, 1)
    gc.callbacks.append(_freeze_before_older_ones)


def _freeze_before_older_ones(phase: str, info: dict[str, int]) -> None:
    if phase == "start" and info["generation"] > 0:
        gc.freeze()
