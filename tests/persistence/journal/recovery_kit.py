"""A user's snapshot and journalled records in few words, and the check that none is passed over."""

import pytest

from domain.messages.decision import NO_CHANGE
from domain.state.receipts import Receipt
from domain.state.user_state import UserState
from persistence.codec.records import Record, encode_decision, encode_record
from persistence.codec.snapshots import encode_snapshot
from persistence.errors import Corrupt
from persistence.journal.group_commit import pack_batch
from persistence.journal.recovery import fold
from persistence.memory import MemoryStore, World


def record(words: str, user_id: str = "u") -> Record:
    """A record from `version command` or `version command era`."""
    version, command_id, *era = words.split()
    decision = encode_decision(NO_CHANGE)
    return Record(1, user_id, *era or ["e"], int(version), command_id, b"f" * 16, decision)


def snapshot(version: int, receipts: list[str]) -> bytes:
    """A snapshot with receipts of these `version command`s."""
    known = [
        Receipt(each.command_id, each.fingerprint, each.version, each.decision)
        for each in map(record, receipts)
    ]
    return encode_snapshot(UserState("u", version, "e"), known)


async def journalled(stored: tuple[int, list[str]], records: list[str]) -> World:
    """A store with the snapshot (none for version 0) and a dead host's journal."""
    world = World()
    store = MemoryStore(world)
    if stored[0]:
        await store.write_snapshot("u", stored[0], snapshot(*stored))
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
