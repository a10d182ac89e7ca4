"""Whether a bucket keeps its conditions when many writers come at one moment, tried out at start.

A server that looks first and writes afterwards lets two writers win in the gap between.  One try
rarely meets it, so many writers stay at the same object, each taking up what the last winner left.
Two such servers, S3Proxy over a file system and S3Mock, were found out in 60 probes of 60, within
0.2 s as a rule.

Not for: conditions that are ignored altogether (`probe`).
"""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable

from persistence.errors import Unavailable
from persistence.objects.bucket import BucketError, ConditionFailed
from persistence.objects.retries import Calls

_WRITERS = 32
_WINS_MAX = 64
_WINS_MIN = 16  # on a slow store, however long they take; unless it gives no wins at all
_SECONDS = 0.5
_SECONDS_MAX = 3.0
_ERRORS_MAX = 8  # of one writer
_READ_BACK = 4
_ID_BYTES = 16
_BODY_BYTES = 4096  # the longer a write takes, the wider the gap


async def several_create(calls: Calls, folder: str) -> str | None:
    """Let many create the same objects under `folder`; what the bucket did wrong, if anything.

    Leaves nothing behind, if the bucket does not fail meanwhile.
    """
    winners: dict[str, list[bytes]] = {}
    at = itertools.count()
    name = f"{folder}/{next(at)}"

    async def write() -> bool:
        nonlocal name
        target, content = name, secrets.token_bytes(_BODY_BYTES)
        won = False
        try:
            await calls.bucket.create(target, content)
            winners.setdefault(target, []).append(content)
            won = True
        except ConditionFailed:
            pass
        if name == target:  # taken now: all go on to the next
            name = f"{folder}/{next(at)}"
        return won

    await _contend(write, lambda: any(len(contents) > 1 for contents in winners.values()))
    try:
        if (most := max(map(len, winners.values()), default=0)) > 1:
            return f"let {most} of {_WRITERS} writers create one object"
        for created, contents in list(winners.items())[:_READ_BACK]:
            kept = await calls.get(created)
            if kept is None or kept.content != contents[0]:
                return "told one writer that it had created an object, and kept another's"
        return None
    finally:
        with contextlib.suppress(Unavailable):
            await calls.delete([f"{folder}/{number}" for number in range(next(at))])


async def several_replace(calls: Calls, name: str) -> str | None:
    """Let many replace one object, each what it saw; what the bucket did wrong, if anything."""
    replaced: dict[bytes, int] = {}
    await calls.create(name, secrets.token_bytes(_BODY_BYTES))

    async def write() -> bool:
        seen = await calls.bucket.get(name)
        if seen is None:
            raise BucketError(f"{name} is gone", passing=True)
        try:
            await calls.bucket.replace(name, secrets.token_bytes(_BODY_BYTES), seen.tag)
        except ConditionFailed:
            return False
        seen_id = seen.content[:_ID_BYTES]
        replaced[seen_id] = replaced.get(seen_id, 0) + 1
        return True

    await _contend(write, lambda: max(replaced.values(), default=0) > 1)
    with contextlib.suppress(Unavailable):
        await calls.delete([name])
    if (most := max(replaced.values(), default=0)) > 1:
        return f"let {most} of {_WRITERS} writers replace one object"
    return None


async def _contend(write: Callable[[], Awaitable[bool]], found_out: Callable[[], bool]) -> None:
    """Have all writers `write`, which says whether it won, until there is an end to it."""
    wins, began = 0, time.monotonic()

    def enough() -> bool:
        seconds = time.monotonic() - began
        late = seconds > _SECONDS and wins >= _WINS_MIN
        return wins >= _WINS_MAX or late or seconds > _SECONDS_MAX or found_out()

    async def work() -> None:
        nonlocal wins
        errors = 0
        while not enough() and errors < _ERRORS_MAX:
            try:
                won = await write()
                wins += won
            except BucketError:
                errors += 1

    await asyncio.gather(*(work() for _ in range(_WRITERS)))
