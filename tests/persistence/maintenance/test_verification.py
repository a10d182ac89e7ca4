"""Every kind of damage is found, named with its place, and does not hide the next one."""

import asyncio
import zlib
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from persistence.codec.formats import FORMAT
from persistence.codec.records import Record, decode_record, encode_record
from persistence.disk.store import DiskStore
from persistence.journal.group_commit import pack_batch, unpack_batch
from persistence.maintenance.backup import back_up
from persistence.maintenance.verification import Verified, verify
from persistence.memory import MemoryStore, World
from persistence.store import Store
from tests.actors.host_kit import ask, command, grant
from tests.conformance.store_kit import batches
from tests.persistence.conftest import Stores
from tests.persistence.maintenance.tool_kit import OWNER, a_host, filled, play, rest, turns, watched
from tests.persistence.named_snapshot_kit import named, packed


def said(found: Verified) -> str:
    return "\n".join(str(damage) for damage in found.damages)


async def test_a_sound_store_has_no_damage_and_everything_was_read(stores: Stores) -> None:
    await filled(stores.here())
    found = await verify(stores.here())
    assert said(found) == ""
    assert (found.users, found.streams, found.records) == (3, 1, 346)


async def test_a_store_that_is_served_has_no_damage(stores: Stores) -> None:
    host = a_host(stores.here(), checkpoint_bytes=50_000, snapshot_every=3)
    over = asyncio.Event()

    async def write(user_id: str) -> None:
        number = 0
        while not over.is_set():
            await ask(host, grant(user_id, f"c{number}"))
            number += 1

    writing = [asyncio.create_task(write(f"u{n}")) for n in range(10)]
    for _ in range(5):
        assert said(await verify(watched(stores.here(), turns))) == ""
    over.set()
    await asyncio.gather(*writing)


# Bytes on disk


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    """A disk store with snapshots, a page, and journals of several segments, one of them sealed."""
    store = DiskStore(tmp_path, segment_bytes=2_000)
    await filled(store)
    stream = next(iter(await store.streams()))
    await store.fence(stream)
    await play(a_host(store, "users:1"), "dave", 0, 20)
    await store.close()
    return tmp_path


def files(root: Path, pattern: str) -> list[Path]:
    return sorted(root.rglob(pattern))


async def damages(root: Path) -> Verified:
    store = DiskStore(root)
    found = await verify(store)
    await store.close()
    return found


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


async def test_a_flipped_bit_in_a_snapshot_is_named_with_its_file(root: Path) -> None:
    [path] = files(root, "bob~*.snapshot")
    flip(path, 50)
    found = await damages(root)
    [damage] = found.damages
    assert (damage.place, damage.offset, damage.user_id) == (str(path), 32, "bob")
    assert "fails its checksum" in damage.found
    assert found.users == 4


async def test_a_flipped_bit_in_a_page_of_a_history_is_named(root: Path) -> None:
    [path] = files(root, "alice%2B*.snapshot")
    flip(path, 50)
    assert f"{path} at byte 32" in said(await damages(root))


async def test_a_page_that_is_missing_is_named(root: Path) -> None:
    [path] = files(root, "alice%2B*.snapshot")
    path.unlink()
    assert "alice+00000000000000000001 at byte 0: nothing" in said(await damages(root))


async def test_a_journal_cut_in_the_middle_is_named_with_the_byte(root: Path) -> None:
    segments = files(root, "*.journal")
    path = next(path for path in segments if path.stat().st_size > 1_000 and path != segments[-1])
    path.write_bytes(path.read_bytes()[:-10])
    assert f"{path} at byte " in said(await damages(root))


async def test_every_damage_is_found_not_the_first_only(root: Path) -> None:
    journals = {path.parent.parent.name: path for path in files(root, "*.journal")}
    for path in journals.values():
        flip(path, 40)
        path.write_bytes(path.read_bytes() * 2)
    [snapshot] = files(root, "bob~*.snapshot")
    flip(snapshot, 50)
    told = said(await damages(root))
    for path in (*journals.values(), snapshot):
        assert str(path) in told


@pytest.mark.parametrize("pattern", ["bob~*.snapshot", "*.journal"])
async def test_a_frame_of_a_newer_format_is_named(root: Path, pattern: str) -> None:
    path = files(root, pattern)[0]
    content = bytearray(path.read_bytes())
    content[8] = 2
    content[28:32] = zlib.crc32(content[:28]).to_bytes(4, "little")
    path.write_bytes(content)
    assert f"{path} has format 2; this Questkeep reads formats up to 1" in said(await damages(root))


async def test_a_store_of_a_newer_format_is_named_and_not_read(root: Path) -> None:
    (root / "STORE").write_text('{"questkeep_store_format": 2}')
    found = await damages(root)
    assert "STORE has format 2" in said(found)
    assert found.users == 0


# What sound bytes say


async def rewritten(store: Store, user_id: str, change: Any) -> str:
    """The damages once `change` was made to the user's snapshot."""
    stored = await store.read_snapshot(user_id)
    assert stored is not None
    snapshot = named(stored.payload)
    change(snapshot)
    await store.delete_snapshot(user_id)
    await store.write_snapshot(user_id, stored.version, packed(snapshot))
    return said(await verify(store))


FLAWS: dict[str, tuple[Any, str]] = {
    "another user": (lambda s: s.update(user_id="eve"), "the user 'eve' under the name of 'u'"),
    "another version": (lambda s: s.update(version=9), "version 9 inside, 3 outside"),
    "a newer format": (lambda s: s.update(format=2), "snapshot of u has format 2"),
    "a wrong type": (
        lambda s: s["rows"]["player_progression"].update(level="high"),
        "wrong fields of a PlayerProgression: Expected `int`, got `str`",
    ),
    "no receipts": (lambda s: s.pop("receipts"), "wrong fields: 5 of them, expected 6"),
    "a negative amount": (
        lambda s: s["rows"]["player_progression"].update(total_xp=-1),
        "player_progression: total_xp is -1",
    ),
    "a negative holding": (lambda s: s["rows"]["wallet"].update(gold=-2), "wallet: gold is -2"),
    "a row of another user": (
        lambda s: s["rows"]["quest_record"][0].update(user_id="eve"),
        "quest q: a row of 'eve'",
    ),
    "a row twice": (
        lambda s: s["rows"]["quest_record"].append(s["rows"]["quest_record"][0]),
        "a QuestRecord with the key of another row",
    ),
    "a gap in the history": (
        lambda s: s["rows"]["history"][1].update(sequence=7),
        "history: entry 7 after 1",
    ),
    "an entry of the future": (
        lambda s: s["rows"]["history"][1].update(version=7),
        "history: entry 2 of version 7, after 3",
    ),
    "a receipt of the future": (
        lambda s: s["receipts"][0].__setitem__(2, 99),
        "receipt c0: of version 99, expected 1 to 3",
    ),
    "a receipt twice": (
        lambda s: s["receipts"].append(s["receipts"][0]),
        "receipt c0: there are two",
    ),
    "a receipt without a decision": (
        lambda s: s["receipts"][0].__setitem__(3, b"\xc1"),
        "receipt c0",
    ),
}


@pytest.mark.parametrize("name", FLAWS)
async def test_a_flaw_in_a_snapshot_is_named(name: str) -> None:
    store = MemoryStore(World())
    host = a_host(store)
    await play(host, "u", 0, 2)
    await ask(host, command("u", "c2", "offer_quest", quest_id="q", reward={"experience": 5}))
    await host.drain()
    change, told = FLAWS[name]
    assert told in await rewritten(store, "u", change)


async def with_records(*changes: Any) -> str:
    """The damages of a journal whose records were changed before it was written."""
    source, store = MemoryStore(World()), MemoryStore(World())
    await play(a_host(source), "u", 0, len(changes))
    stream = await store.claim("users:0")
    records = [
        decode_record(entry, "here")
        for batch in await batches(source, (await source.streams())[0])
        for entry in unpack_batch(batch.payload)
    ]
    for record, change in zip(records, changes, strict=True):
        await stream.append(pack_batch(change(record)))
    return said(await verify(store))


def as_it_was(record: Record) -> list[bytes]:
    return [encode_record(record)]


def of_format_2(record: Record) -> list[bytes]:
    return [msgspec.msgpack.encode([FORMAT + 1, *msgpack.unpackb(encode_record(record))[1:]])]


def without_a_decision(record: Record) -> list[bytes]:
    return [encode_record(msgspec.structs.replace(record, decision=b"\x90"))]


def with_a_twin(record: Record) -> list[bytes]:
    twin = msgspec.structs.replace(record, fingerprint=b"another content!")
    return [encode_record(record), encode_record(twin)]


async def test_a_gap_in_versions_is_named() -> None:
    told = await with_records(as_it_was, lambda record: [], as_it_was)
    assert "batch 3: version 3 of u, expected version 2" in told


async def test_a_version_told_twice_is_named() -> None:
    told = await with_records(as_it_was, with_a_twin)
    assert "batch 2: version 2 of u by command c1, which journal users:0/" in told


async def test_a_record_of_a_newer_format_is_named_and_the_next_one_is_read() -> None:
    told = await with_records(of_format_2, as_it_was)
    assert "batch 1 has format 2" in told
    assert "batch 2: version 2 of u, expected version 1" in told


async def test_a_record_without_a_decision_is_named() -> None:
    told = await with_records(without_a_decision)
    assert "batch 1, version 1" in told
    assert "a decision with wrong fields" in told


@pytest.mark.parametrize("entry", [b"\xc1", msgspec.msgpack.encode([1, "u"]), b"\x01"])
async def test_bytes_that_are_no_record_are_named(entry: bytes) -> None:
    told = await with_records(lambda record: [entry], as_it_was)
    assert "batch 1 at byte 0" in told


async def test_a_user_who_is_missing_from_a_backup_is_named(stores: Stores) -> None:
    host = a_host(stores.here())
    await play(host, "u", 0, 3)
    await play(host, "v", 0, 3)
    await rest(host, "u")
    await back_up(stores.here(), stores.there(), owner=OWNER, clock=lambda: "now")
    assert said(await verify(stores.there())) == ""
    await stores.there().delete_snapshot("v")
    assert "snapshot of v: nothing, where the manifest has version 3" in said(
        await verify(stores.there())
    )
