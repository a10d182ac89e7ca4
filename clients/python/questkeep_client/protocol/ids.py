"""Command ids: UUIDv7 (RFC 9562), so that a queue of them sorts by the time it was made."""

import os
import time
from uuid import UUID


def command_id() -> str:
    """A new id; two calls never give the same one."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    high, low = random >> 68, random & (2**62 - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low))
