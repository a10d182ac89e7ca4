"""Hosts that follow each other on one store, and a ledger of what was acknowledged.

A host lives as `actors.host` does: claim, list, fence and read what stands, fold it into the
snapshot, drop it, then append versions of one user; at times it checkpoints, at times it dies.
"""

import random
from collections import defaultdict
from collections.abc import Callable

from persistence.errors import Fenced, Unavailable
from persistence.objects.store import ObjectStore
from persistence.store import Store, Stream, StreamId
from tests.faulty_object_store_kit import Objects

USER = "alice"
HOST = "users:1"


class Ledger:
    """Who was told what.  `acknowledged` has for each version the writers that were told so."""

    def __init__(self) -> None:
        self.acknowledged: defaultdict[int, list[str]] = defaultdict(list)
        self.fenced_by_others: set[StreamId] = set()
        self.self_fenced = 0
        self.recovered: dict[int, str] = {}

    def audit(self) -> None:
        """Each version acknowledged to one writer only, and its is what a successor finds."""
        for version, writers in self.acknowledged.items():
            assert len(writers) == 1, f"version {version} acknowledged by {writers}"
            found = self.recovered.get(version)
            assert found == writers[0], f"version {version} of {writers[0]}: found {found}"


def _pack(story: dict[int, str]) -> bytes:
    return "\n".join(f"{version} {who}" for version, who in sorted(story.items())).encode()


def _unpack(payload: bytes) -> dict[int, str]:
    lines = (line.split(" ") for line in payload.decode().splitlines())
    return {int(version): who for version, who in lines}


async def take_over(
    store: Store, ledger: Ledger, own: StreamId | None, host: str = HOST
) -> dict[int, str]:
    """Fence and fold what stands; return the user's whole story: who wrote each version."""
    earlier = [one for one in await store.streams(host) if one != own]
    records: dict[int, str] = {}
    for stream in earlier:
        ledger.fenced_by_others.add(stream)
        await store.fence(stream)
        async for batch in store.read(stream):
            for version, who in _unpack(batch.payload).items():
                assert records.setdefault(version, who) == who, f"two stories of {version}"
    stored = await store.read_snapshot(USER)
    story = _unpack(stored.payload) if stored else {}
    version = stored.version if stored else 0
    for later in sorted(one for one in records if one > version):
        assert later == version + 1, f"version {later} after {version}"
        version = later
    for version, who in records.items():
        assert story.setdefault(version, who) == who, f"two stories of version {version}"
    if records:
        await store.write_snapshot(USER, max(story), _pack(story))
    for stream in earlier:
        await store.drop(stream)
    return story


async def serve(
    store: Store, ledger: Ledger, stream: Stream, story: dict[int, str], dice: random.Random
) -> None:
    """Append until the host stops of itself; raises what the store raises."""
    for turn in range(dice.randint(0, 8)):
        version = max(story, default=0) + 1
        who = f"{stream.id.incarnation}/{turn}"
        story[version] = who
        sequence = await stream.append(_pack({version: who}))
        ledger.acknowledged[version].append(who)
        if dice.random() < 0.2:
            await store.write_snapshot(USER, version, _pack(story))
            await stream.drop_through(sequence)
    if dice.random() < 0.3:
        if story:
            await store.write_snapshot(USER, max(story), _pack(story))
        await stream.drop_through(10**9)
        await stream.close()


async def one_life(store: Store, ledger: Ledger, dice: random.Random) -> None:
    """One host from claim to death; storage errors end it, as they do a host."""
    stream: Stream | None = None
    try:
        stream = await store.claim(HOST)
        story = await take_over(store, ledger, stream.id)
        await serve(store, ledger, stream, story, dice)
    except Fenced:
        if stream is not None and stream.id not in ledger.fenced_by_others:
            ledger.self_fenced += 1
    except Unavailable:  # any other error is a failure of the test
        return


async def live(
    open_one: Callable[[], ObjectStore],
    objects: Objects,
    ledger: Ledger,
    dice: random.Random,
    lives: int,
) -> None:
    for _ in range(lives):
        await one_life(open_one(), ledger, dice)
        if dice.random() < 0.5:
            objects.let_late_ones_arrive(dice)


async def recover(store: Store, ledger: Ledger) -> None:
    """What a host finds that comes after all of them, on a store that is well again."""
    ledger.recovered = await take_over(store, ledger, None)
