"""Who falls asleep and who leaves memory: users nobody asks for, the longest idle first.

Not for: how a user is put to sleep, snapshotted and let go (`host`, `sleepers`), or when to look
(`hosting`).
"""

import asyncio
from itertools import islice

from actors.host.hibernation import QUIET_SECONDS
from actors.host.host import Host

SLEEP_TOGETHER = 4
"""Users who fall asleep before messages get their turn: half a millisecond."""


async def let_sleep(host: Host, quiet_seconds: float = QUIET_SECONDS) -> None:
    """Let everybody sleep who had no message for `quiet_seconds`."""
    now = asyncio.get_running_loop().time()
    asleep = 0
    for resident in list(host.residents.values()):
        if now - max(resident.last_command, resident.awake_since) < quiet_seconds:
            break  # and whoever comes after has been asked later
        if host.put_to_sleep(resident):
            asleep += 1
            if asleep % SLEEP_TOGETHER == 0:
                await asyncio.sleep(0)


async def passivate_idle(host: Host, idle_seconds: float) -> None:
    """Let go of every user without a command for `idle_seconds`."""
    since = asyncio.get_running_loop().time() - idle_seconds
    for sleeper in [one for one in host.sleepers if one.last_command <= since]:
        await _gone(host.let_go(sleeper, "idle"))
    for resident in list(host.residents.values()):
        if resident.idle and resident.last_command <= since:
            await host.passivate(resident, "idle")


async def passivate_longest_idle(host: Host) -> None:
    """Let go of a tenth of the users, the longest-idle first: memory is short."""
    count = host.users // 10 + 1
    for sleeper in list(islice(host.sleepers, count)):
        await _gone(host.let_go(sleeper, "memory"))
        count -= 1
    for resident in [one for one in host.residents.values() if one.idle][:count]:
        if resident.idle:
            await host.passivate(resident, "memory")


async def _gone(leaving: asyncio.Task[object] | None) -> None:
    if leaving is not None:
        await asyncio.shield(leaving)  # who stops looking stops nobody from leaving
