"""A process that writes to a store, tells on stdout what was acknowledged, and kills itself.

Arguments: the store's folder, the step to die at, and at which arrival there.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from persistence import failpoints
from persistence.disk.store import DiskStore
from tests.persistence.disk.history_kit import HOST, SEGMENT_BYTES, USER

CHECKPOINT_EVERY = 3


def die_at(step: str, arrival: int) -> None:
    left = arrival

    def count(reached: str) -> None:
        nonlocal left
        left -= reached == step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.on_failpoint = count


async def write_until_killed(root: Path) -> None:
    store = DiskStore(root, SEGMENT_BYTES)
    stream = await store.claim(HOST)
    for version in range(1, 1000):
        os.write(1, b"attempted %d\n" % version)
        sequence = await stream.append(b"%d" % version)
        os.write(1, b"acknowledged %d\n" % version)
        if version % CHECKPOINT_EVERY == 0:
            await store.write_snapshot(USER, version, b"%d" % version)
            await stream.drop_through(sequence)


if __name__ == "__main__":
    die_at(sys.argv[2], int(sys.argv[3]))
    asyncio.run(write_until_killed(Path(sys.argv[1])))
