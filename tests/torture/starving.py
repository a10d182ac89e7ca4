"""A disk that is full or fails under a whole host, and then is well again (R9, P8).

Not for: the n-th call of a store (`tests.persistence.disk.test_disk_faults`).
"""

import asyncio
import errno
import time
from typing import NamedTuple

from actors.host.host import UNDURABLE_BYTES_MAX
from tests.torture.arena import Arena, Unserved
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.outcome import Ground, Outcome, outcome
from tests.torture.plan import WHOLE_WINDOW

REFUSALS = 150
"""How many refusals the clients get before the cause goes away."""
RSS_GROWTH_MAX = 128 * 1024 * 1024


class Cause(NamedTuple):
    """Which calls of the operating system fail, and how."""

    name: str
    calls: tuple[str, ...]
    code: int


CAUSES = (
    Cause("no space left", ("write", "open", "mkdir", "link"), errno.ENOSPC),
    Cause("EIO on write", ("write",), errno.EIO),
    Cause("EIO on fdatasync", ("fdatasync",), errno.EIO),
    Cause("EIO on link", ("link",), errno.EIO),
    Cause("EIO on fsync of a folder", ("fsync",), errno.EIO),
)


async def starving(ground: Ground, rounds: int, variant: str = "") -> Outcome:
    """Break the disk under load, heal it, and go on: nothing lost, clear words, no new process."""
    began, done = time.monotonic(), 0
    resumed: list[float] = []
    rss: list[int] = []
    restarts = 0
    async with ground.arena("starving", variant, receipt_window=WHOLE_WINDOW) as arena:
        host = await arena.life()
        for number in range(rounds * len(CAUSES)):
            if arena.ledger.violations:
                break
            cause = CAUSES[number % len(CAUSES)]
            await arena.answers(host, arena.dice.randint(20, 100))
            try:
                await host.order("break", [list(cause.calls), cause.code])
                await _refused(arena, host)
                rss.append(await _vitals(arena, host, cause))
                await host.order("heal")
            except HostDied:  # a process that cannot trust its disk goes, and Ray brings a new one
                restarts += 1
                await arena.bury(host)
                host = await arena.life()
            healed = time.monotonic()
            await _resumes(arena, host, cause)
            resumed.append(time.monotonic() - healed)
            done += 1
            ground.progress(done, rounds * len(CAUSES))
        if not arena.ledger.violations:
            await arena.finish()
    found = outcome("disk full, EIO under load", arena, done, rounds * len(CAUSES), began)
    if resumed and rss:
        found.figures["serves_again_max_ms"] = round(1000 * max(resumed), 1)
        found.figures["processes_that_gave_up"] = restarts
        found.figures["asked_again"] = arena.ledger.ask_again
        found.figures["rss_growth_mb"] = round((max(rss) - rss[0]) / 2**20, 1)
        if max(rss) - rss[0] > RSS_GROWTH_MAX:
            found.failures.append(f"the host grew by {max(rss) - rss[0]} bytes")
    return found


async def _refused(arena: Arena, host: HostProcess) -> None:
    """Until enough clients were told to ask again; a cause that only snapshots meet tells none."""
    before = arena.ledger.ask_again
    until = arena.front.answered + 500
    while arena.ledger.ask_again < before + REFUSALS and arena.front.answered < until:
        if host.ended.is_set():
            raise HostDied
        await asyncio.sleep(0.001)


async def _vitals(arena: Arena, host: HostProcess, cause: Cause) -> int:
    found = await host.order("vitals")
    if found["pending_bytes"] > UNDURABLE_BYTES_MAX + 2**20 or found["residents"] > 1_000:
        arena.ledger.violate("lost", "", "", f"{cause.name}: memory is not bounded: {found}")
    return int(found["rss"])


async def _resumes(arena: Arena, host: HostProcess, cause: Cause) -> None:
    try:
        await arena.answers(host, len(arena.clients))
    except Unserved:
        arena.ledger.violate("lost", "", "", f"{cause.name}: service did not resume by itself")
