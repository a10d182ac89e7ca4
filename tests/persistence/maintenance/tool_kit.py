"""Stores of every kind as the operator's tools meet them: made by a real host.

Not for: hosts themselves (`tests.actors`).
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from actors.host.host import Host
from persistence.codec.snapshots import decode_snapshot
from persistence.disk.store import DiskStore
from persistence.maintenance.export_import import ImportOutcome, export, import_lines
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.user_views import read_complete_user
from persistence.memory import MemoryStore, World
from persistence.store import Store
from tests.actors.host_kit import ask, body, command, grant, settings
from tests.conformance.store_kit import Open
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store

OWNER = "a test"
KINDS = ("memory", "disk", "objects")


def a_store(kind: str, folder: Path) -> Open:
    """A way to open one new store of that kind, again and again."""
    if kind == "memory":
        world = World()
        return lambda: MemoryStore(world)
    if kind == "disk":
        return lambda: DiskStore(folder, segment_bytes=2_000)
    objects = Objects()
    return lambda: open_store(FaultyBucket(objects))


def a_host(store: Store, name: str = "users:0", **changes: Any) -> Host:
    """A host that nobody fences yet."""
    clock = itertools.count(1_000_000)
    return Host(name, store, settings(**changes), now=lambda: next(clock), on_fenced=lambda: None)


async def play(host: Host, user_id: str, begin: int, end: int) -> None:
    """Commands `c<begin>` to before `c<end>`, 10 experience each, all of which must be accepted."""
    for first in range(begin, end, 50):  # a journal batch for every 50
        numbers = range(first, min(first + 50, end))
        for reply in await ask(host, *(grant(user_id, f"c{number}") for number in numbers)):
            assert body(reply)["replayed"] is False


async def rest(host: Host, user_id: str) -> None:
    """Have the user leave memory: a snapshot stands then, and full pages of the history do."""
    await host.tasks.wait_idle()
    assert await host.activations.passivate(host.activations.awake[user_id], "test")


async def filled(store: Store) -> Host:
    """Two users in snapshots with more in a journal, one in the journal only; the host lives on."""
    host = a_host(store)
    await play(host, "alice", 0, 340)  # beyond what memory keeps of a history
    await play(host, "bob", 0, 3)
    await rest(host, "alice")
    await rest(host, "bob")
    await play(host, "alice", 340, 342)
    await ask(host, command("carol", "c0", "offer_quest", quest_id="q", reward={"experience": 5}))
    return host


async def lines(store: Store, *users: str) -> list[bytes]:
    """What an export gives, in the order of user ids."""
    found = [one async for one in export(store, users)]
    assert all(one.damage is None for one in found)
    return [one.line for one in sorted(found, key=lambda one: one.user_id) if one.line]


def without_era(lines: Sequence[bytes]) -> list[bytes]:
    """Lines but for the era, which is another one in every store that a user is put into."""
    return [re.sub(rb'"era":"[0-9a-f]*"', b"", line) for line in lines]


def eras(lines: Sequence[bytes]) -> set[str]:
    """The eras of the users of an export."""
    return {msgspec.json.decode(line)["era"] for line in lines}


async def exported(store: Store) -> dict[str, Any]:
    """Every user of an export, read."""
    told = [msgspec.json.decode(line) for line in await lines(store)]
    return {user["user_id"]: user for user in told}


async def imported(store: Store, given: list[bytes], **how: Any) -> dict[str, Outcome]:
    """What became of each user."""
    return outcomes([one async for one in import_lines(store, given, "f", owner=OWNER, **how)])


def outcomes(told: list[Any]) -> dict[str, Outcome]:
    """By user."""
    assert all(isinstance(one, ImportOutcome) for one in told), told
    return {one.user_id: one.outcome for one in told}


async def history(store: Store, user_id: str) -> list[int]:
    """The sequences of the whole history, pages and all."""
    user = await read_complete_user(store, user_id, {})
    assert user is not None
    entries = [entry for page in user.pages for entry in page]
    return [entry.sequence for entry in [*entries, *user.snapshot.state.history]]


async def version(store: Store, user_id: str) -> int:
    """The version of the user's snapshot, 0 for none."""
    stored = await store.read_snapshot(user_id)
    return decode_snapshot(stored.payload, user_id).state.version if stored else 0


def watched(store: Store, at_call: Callable[[], Awaitable[None]]) -> Store:
    """`store`, with something else that happens before each of its calls and answers."""
    return cast("Store", _Watched(store, at_call))


class _Watched:
    def __init__(self, store: Store, at_call: Callable[[], Awaitable[None]]) -> None:
        self._store, self._at_call = store, at_call

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found
        if name in ("read", "users"):
            return lambda *given: self._each(found, *given, slow=name == "users")
        return lambda *given: self._once(found, *given)

    async def _once(self, call: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        await self._at_call()
        return await call(*given)

    async def _each(
        self, call: Callable[..., AsyncIterator[Any]], *given: Any, slow: bool
    ) -> AsyncIterator[Any]:
        await self._at_call()
        async for one in call(*given):
            yield one
            if slow:  # a journal is read faster than it is written, or never to its end
                await self._at_call()


async def turns() -> None:
    """Let everyone else have some."""
    for _ in range(5):
        await asyncio.sleep(0)
