"""How many bytes an object and everything it holds take, each of them counted once.

Not for: what allocators add; that is in the memory of the process (`user_memory`).
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from msgspec import Struct

SHARED = (type, Enum, bool, type(None))
"""Counted nowhere: every user holds the same ones."""


def deep_size(root: object, but_not: Iterable[object] = ()) -> int:
    """Bytes of `root` and what it leads to; what `but_not` leads to belongs to somebody else."""
    seen = {id(one) for one in but_not}
    waiting, size = [root], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, SHARED) or callable(one):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        waiting.extend(_parts(one))
    return size


def _parts(one: Any) -> Iterator[object]:
    if isinstance(one, dict):
        yield from one.keys()
        yield from one.values()
    elif isinstance(one, list | tuple | set | deque):
        yield from one
    elif isinstance(one, Struct):
        yield from (getattr(one, field) for field in one.__struct_fields__)
    elif type(one).__module__.partition(".")[0] in ("actors", "domain"):
        names = getattr(type(one), "__slots__", ())
        yield from (getattr(one, name) for name in names if hasattr(one, name))
        yield from vars(one).values() if hasattr(one, "__dict__") else ()
