"""Processes that a test did not start itself: whether they live, and waiting for what they do."""

import time
from typing import Any

import psutil

PATIENCE_SECONDS = 20


def until(condition: Any) -> Any:
    """What `condition` gives once that is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it never came true")
    return found


def gone(pids: list[int]) -> bool:
    """Whether all these processes have ended."""
    return not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
