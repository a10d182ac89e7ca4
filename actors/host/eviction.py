"""Eviction: which users hibernate and which leave memory, the longest idle first.

Not for: how they do (`activations`).
"""

import asyncio
import resource
import time
from itertools import islice

from actors.host.activations import Activations
from actors.host.hibernation import QUIET_SECONDS
from actors.host.settings import HostSettings

UPKEEP_SECONDS = 1.0
PACK_SECONDS = 1.0
"""Without a request for this long a user's older rows and receipts are packed."""

AT_ONCE = 4
"""Users who are packed or hibernate before requests get their turn: half a millisecond."""
LOOKED_AT_ONCE = 512
"""Users who are looked at only, likewise."""


async def hibernate_quiet(
    users: Activations, quiet_seconds: float = QUIET_SECONDS, pack_seconds: float = PACK_SECONDS
) -> None:
    """Hibernate everybody who had no request for `quiet_seconds`, pack who had none for less."""
    now = time.monotonic()
    changed = 0
    for place, activation in enumerate(list(users.awake.values())):
        quiet = now - max(activation.last_command, activation.awake_since)
        if quiet < min(pack_seconds, quiet_seconds):
            break  # and whoever comes after has been asked later
        if (quiet >= quiet_seconds and users.hibernate(activation)) or users.pack(activation):
            changed += 1
            if changed % AT_ONCE == 0:
                await asyncio.sleep(0)
        elif place % LOOKED_AT_ONCE == 0:
            await asyncio.sleep(0)


async def passivate_idle(users: Activations, idle_seconds: float) -> None:
    """Let go of every user without a command for `idle_seconds`."""
    since = time.monotonic() - idle_seconds
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


class Upkeep:
    """Keeps one host within its memory: hibernation, passivation and eviction, round by round."""

    def __init__(self, users: Activations, settings: HostSettings) -> None:
        self._users = users
        self._settings = settings
        self._idle_check = time.monotonic()

    async def round(self) -> None:
        """Wait for a second, or less where users are idle sooner, then look who can go."""
        idle_seconds = self._settings.idle_seconds
        await asyncio.sleep(min(UPKEEP_SECONDS, idle_seconds / 2))
        await hibernate_quiet(self._users)
        if resident_bytes() > self._settings.memory_bytes_max:
            await hibernate_quiet(self._users, quiet_seconds=0)
        if resident_bytes() > self._settings.memory_bytes_max:
            await passivate_longest_idle(self._users)
        if time.monotonic() - self._idle_check >= idle_seconds / 2:
            self._idle_check = time.monotonic()
            await passivate_idle(self._users, idle_seconds)


def resident_bytes() -> int:
    """Memory this process holds."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
