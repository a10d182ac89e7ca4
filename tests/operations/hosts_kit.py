"""What goes wrong with hosts, stores and feeds, brought about for the 3 a.m. table."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from actors.cluster.local import LocalCluster
from actors.feeds.feed import Feeds
from actors.feeds.subscription import Subscription
from actors.host.settings import HostSettings
from actors.messages import ReadChanges, View
from actors.slots import moves
from persistence.disk import files
from persistence.disk.store import DiskStore
from persistence.errors import Unavailable
from persistence.memory import Faults, MemoryStore, MemoryStream, World
from tests.actors.host_kit import RULES_TEXT, Rig, ask, grant, look
from tests.operations.page_kit import Patch


def failing(number: int) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


async def on_disk(folder: Path, then: Callable[[], object]) -> None:
    """A user is served from a folder; then something happens; then the user asks again."""
    cluster = LocalCluster(HostSettings("file:", RULES_TEXT), DiskStore(folder / "store"))
    await cluster.start()
    await cluster.ask([grant("alice", "c1")])
    then()
    await cluster.ask([grant("alice", "c2")])
    await cluster.ask([grant("alice", "c2")])
    await cluster.drain()


async def the_disk_is_full(folder: Path, patch: Patch) -> None:
    await on_disk(folder, lambda: patch.setattr(files, "write_all", failing(errno.ENOSPC)))


async def the_disk_breaks(folder: Path, patch: Patch) -> None:
    await on_disk(folder, lambda: patch.setattr(files, "sync", failing(errno.EIO)))


async def the_store_is_removed(folder: Path, _: Patch) -> None:
    await on_disk(folder, lambda: shutil.rmtree(folder / "store"))


async def another_server_starts(_: Path, __: Patch) -> None:
    world = World()
    first, second = (
        LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(world)) for _ in range(2)
    )
    await first.start()
    await first.ask([grant("alice", "c1")])
    await second.start()
    await first.ask([grant("alice", "c2")])
    assert await first.health()
    assert first._ownership_check is not None
    await first._ownership_check
    for cluster in (first, second):
        await cluster.drain()


async def a_snapshot_cannot_be_written(_: Path, __: Patch) -> None:
    rig = Rig()
    await ask(rig.host, grant("alice", "c1"))
    rig.faults.snapshot_writes = 1
    await rig.host.drain()


async def a_user_cannot_be_read(_: Path, __: Patch) -> None:
    rig = Rig()
    rig.faults.reads = 10
    await ask(rig.host, grant("alice", "c1"))


async def a_journal_cannot_be_cut(_: Path, patch: Patch) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("the bucket is away")

    rig = Rig(checkpoint_bytes=1)
    patch.setattr(MemoryStream, "drop_through", away)
    await ask(rig.host, grant("alice", "c1"))
    await rig.host.drain()


async def old_history_is_out_of_reach(_: Path, __: Patch) -> None:
    rig = Rig()
    rig.faults.snapshot_writes = 1
    for number in range(600):
        await ask(rig.host, grant("alice", f"c{number}", 1))
    await rig.host.tasks.wait_idle()
    rig.faults.reads = 1
    await ask(rig.host, look("alice", View.HISTORY))


async def slots_cannot_move(_: Path, patch: Patch) -> None:
    patch.setattr(moves, "PAUSE_SECONDS", 0)
    faults = Faults()
    store = MemoryStore(World(), faults)
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), store, hosts=2)
    await cluster.start()
    faults.snapshot_writes = 2  # of the table
    await cluster.scale(1)
    await cluster.drain()


class BrokenListener:
    """A listener with a bug."""

    def changed(self, _: object) -> None:
        raise RuntimeError("a bug")

    def lost(self) -> None:
        raise RuntimeError("a bug")


async def a_listener_is_broken(_: Path, __: Patch) -> None:
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(World()))
    await cluster.start()
    cluster.watch("alice", BrokenListener())
    await cluster.ask([grant("alice", "c1")])
    await cluster.drain()
    feeds = Feeds(lambda _: None, lambda _: None)
    feeds.watch("alice", BrokenListener())
    feeds.lost()


class BrokenDirectory:
    """A directory with a bug, which nobody can read from."""

    async def ask(self, _: object) -> Any:
        raise RuntimeError("a bug")

    def watch(self, user_id: str, listener: Any) -> Any:
        return Feeds(lambda _: None, lambda _: None).watch(user_id, listener)


async def changes_are_out_of_reach(_: Path, __: Patch) -> None:
    failed = asyncio.Event()
    subscriber: Any = SimpleNamespace(failed=lambda _: failed.set())
    Subscription(BrokenDirectory(), ReadChanges("alice"), subscriber)
    await failed.wait()
