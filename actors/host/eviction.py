"""Who falls asleep and who leaves memory: users nobody asks for, the longest idle first.

Not for: how a user is put to sleep, snapshotted and let go (`host`, `sleepers`), or when to look
(`hosting`).
"""

import asyncio
from itertools import islice

from actors.host.hibernation import QUIET_SECONDS
from actors.host.host import Host

HIBERNATE_AT_ONCE = 4
"""Users who fall asleep before messages get their turn: half a millisecond."""


async def hibernate_quiet(host: Host, quiet_seconds: float = QUIET_SECONDS) -> None:
    """Let everybody sleep who had no message for `quiet_seconds`."""
    now = asyncio.get_running_loop().time()
    asleep = 0
    for activation in list(host.awake.values()):
        if now - max(activation.last_command, activation.awake_since) < quiet_seconds:
            break  # and whoever comes after has been asked later
        if host.hibernate(activation):
            asleep += 1
            if asleep % HIBERNATE_AT_ONCE == 0:
                await asyncio.sleep(0)


async def passivate_idle(host: Host, idle_seconds: float) -> None:
    """Let go of every user without a command for `idle_seconds`."""
    since = asyncio.get_running_loop().time() - idle_seconds
    for user in [one for one in host.hibernated if one.last_command <= since]:
        await _gone(host.evict(user, "idle"))
    for activation in list(host.awake.values()):
        if activation.idle and activation.last_command <= since:
            await host.passivate(activation, "idle")


async def passivate_longest_idle(host: Host) -> None:
    """Let go of a tenth of the users, the longest-idle first: memory is short."""
    count = host.users // 10 + 1
    for user in list(islice(host.hibernated, count)):
        await _gone(host.evict(user, "memory"))
        count -= 1
    for activation in [one for one in host.awake.values() if one.idle][:count]:
        if activation.idle:
            await host.passivate(activation, "memory")


async def _gone(leaving: asyncio.Task[object] | None) -> None:
    if leaving is not None:
        await asyncio.shield(leaving)  # who stops looking stops nobody from leaving
