"""Watchers at several gateways of a cluster whose hosts are killed under load.

Not for: how a host is killed (whoever tests a placement says so).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from actors.errors import AskAgain
from actors.feeds.subscription import Directory
from tests.actors.host_kit import grant
from tests.mirror_kit import Watcher, rows_read

Kill = Callable[[], Awaitable[None]]


async def watchers_outlast_kills(
    gateways: Sequence[Directory], users: Sequence[str], changes: int, kills: int, kill: Kill
) -> None:
    """Every watcher sees every version of its user once, and none has to begin anew.

    In each gateway one watcher stays, and another comes and goes all the time.
    """
    staying = [Watcher(gateway, user) for gateway in gateways for user in users]
    coming = [Watcher(gateway, user) for gateway in gateways for user in users]
    watchers = [*staying, *coming]
    following = [asyncio.create_task(_follow(watcher)) for watcher in watchers]
    for watcher in watchers:
        await watcher.until_caught_up()
    load = asyncio.gather(*(_load(gateways, user, changes) for user in users))
    leaving = asyncio.create_task(_cut_again_and_again(coming))
    for number in range(1, kills + 1):
        await staying[0].until_version(number * changes // (kills + 1))
        await kill()
    await load
    leaving.cancel()
    for watcher in watchers:
        await watcher.until_version(changes)
        await _check(watcher, changes)
    for task in following:
        task.cancel()
    for watcher in watchers:
        watcher.cut()


async def _check(watcher: Watcher, changes: int) -> None:
    """Each command adds one to the experience, so every version is known."""
    mirror = watcher.mirror
    assert mirror.whys == ["first"], "receipts hold what was missed"
    assert len(set(mirror.command_ids)) == len(mirror.command_ids) == changes
    for (_, version), rows in mirror.versions.items():
        assert rows["player_progression"]["total_xp"] == version
    assert mirror.rows == await rows_read(watcher.directory, watcher.user_id)


async def _load(gateways: Sequence[Directory], user: str, changes: int) -> None:
    """Commands through one gateway after the other, each until it is answered."""
    for number in range(changes):
        ask = grant(user, f"{user}-{number}", 1)
        while True:
            try:
                [reply] = await gateways[number % len(gateways)].ask([ask])
            except AskAgain:
                continue
            if not reply.code:
                break
            await asyncio.sleep(0.05)


async def _follow(watcher: Watcher) -> None:
    """Have a watcher resume whenever it was cut off or its user cannot be read now."""
    while True:
        watcher.resume()
        await watcher.until(lambda: not watcher.subscribed, seconds=None)
        await asyncio.sleep(0.01)


async def _cut_again_and_again(watchers: Sequence[Watcher]) -> None:
    while True:
        for watcher in watchers:
            watcher.cut()
            await asyncio.sleep(0.02)
