"""Long work: what takes longer than others should wait is done in steps, with turns in between.

However much of it there is, one step at most is taken in each turn of the event loop, and whoever
has steps left to take goes behind the others who do.

Not for: lists of requests (`run_queue`), or answers that leave in parts (`transport.outbox`).
"""

import asyncio

from persistence.codec.unpacking import Steps, Value

JOINED_AT_ONCE_BYTES = 1024 * 1024
"""More than this is joined in a thread: only from this size on `bytes.join` lets go of the lock."""


class LongWork:
    """The long work of one host."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def run(self, steps: Steps[Value]) -> Value:
        """What the steps lead to.  Work of one step waits for nobody."""
        try:
            next(steps)
            while True:
                async with self._one_at_a_time:
                    await asyncio.sleep(0)
                    next(steps)
        except StopIteration as end:
            value: Value = end.value
            return value
