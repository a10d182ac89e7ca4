"""Eviction: which users hibernate and which leave memory, the longest idle first.

Not for: how they do (`activations`), or when to look (`host_actor`).
"""

import asyncio
from itertools import islice

from actors.host.activations import Activations
from actors.host.hibernation import QUIET_SECONDS

HIBERNATE_AT_ONCE = 4
"""Users who hibernate before requests get their turn: half a millisecond."""


async def hibernate_quiet(users: Activations, quiet_seconds: float = QUIET_SECONDS) -> None:
    """Hibernate everybody who had no request for `quiet_seconds`."""
    now = asyncio.get_running_loop().time()
    hibernated = 0
    for activation in list(users.awake.values()):
        if now - max(activation.last_command, activation.awake_since) < quiet_seconds:
            break  # and whoever comes after has been asked later
        if users.hibernate(activation):
            hibernated += 1
            if hibernated % HIBERNATE_AT_ONCE == 0:
                await asyncio.sleep(0)


async def passivate_idle(users: Activations, idle_seconds: float) -> None:
    """Let go of every user without a command for `idle_seconds`."""
    since = asyncio.get_running_loop().time() - idle_seconds
    for user in [user for user in users.hibernated if user.last_command <= since]:
        await _ended(users.evict(user, "idle"))
    for activation in list(users.awake.values()):
        if activation.idle and activation.last_command <= since:
            await users.passivate(activation, "idle")


async def passivate_longest_idle(users: Activations) -> None:
    """Let go of a tenth of the users, the longest-idle first: memory is short."""
    count = users.users // 10 + 1
    for user in list(islice(users.hibernated, count)):
        await _ended(users.evict(user, "memory"))
        count -= 1
    for activation in [user for user in users.awake.values() if user.idle][:count]:
        if activation.idle:
            await users.passivate(activation, "memory")


async def _ended(passivation: asyncio.Task[bool] | None) -> None:
    if passivation is not None:
        # Who stops looking for idle users stops none of them on the way out.
        await asyncio.shield(passivation)
