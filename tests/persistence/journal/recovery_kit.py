"""A user's snapshot and journalled records in few words, and the check that none is passed over."""

import pytest

from persistence.codec.formats import encode
from persistence.codec.raw_snapshots import SnapshotDict, pack_snapshot
from persistence.codec.records import Record, encode_record
from persistence.codec.snapshots import empty_snapshot
from persistence.errors import Corrupt
from persistence.journal.group_commit import pack_batch
from persistence.journal.recovery import fold
from persistence.memory import MemoryStore, World


def record(words: str) -> Record:
    """A record from `version command` or `version command era`."""
    version, command_id, *era = words.split()
    reply = encode({"command_id": command_id, "version": int(version), "changes": {}})
    return Record(1, "u", *era or ["e"], int(version), command_id, b"f" * 16, "rules", reply)


def snapshot(version: int, receipts: list[str]) -> SnapshotDict:
    """A snapshot with receipts of these `version command`s."""
    records = [record(words) for words in receipts]
    raw = [[each.command_id, each.fingerprint, each.version, each.reply] for each in records]
    return {**empty_snapshot("u"), "era": "e", "version": version, "receipts": raw}


async def journalled(stored: tuple[int, list[str]], records: list[str]) -> World:
    """A store with the snapshot (none for version 0) and a dead host's journal."""
    world = World()
    store = MemoryStore(world)
    if stored[0]:
        await store.write_snapshot("u", stored[0], pack_snapshot(snapshot(*stored)))
    stream = await store.claim("users:0")
    await stream.append(pack_batch([encode_record(record(words)) for words in records]))
    return world


async def a_lost_record_is_named(stored: tuple[int, list[str]], records: list[str]) -> None:
    """The fold names it, changes nothing and drops nothing."""
    world = await journalled(stored, records)
    store, before = MemoryStore(world), dict(world.snapshots)
    with pytest.raises(Corrupt, match="without knowing that command"):
        await fold(store, await store.streams(), 100)
    assert world.snapshots == before
    assert len(world.journals) == 1
