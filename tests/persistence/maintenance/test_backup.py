"""Backups: consistent while serving, whole or refused, and put back without a doubled command."""

import asyncio
import itertools

import msgspec
import pytest

from actors.cluster.local import LocalCluster
from actors.host.settings import HostSettings
from persistence.codec.snapshots import decode_snapshot
from persistence.errors import Corrupt, NewerFormat, StoreInUse
from persistence.maintenance.backup import (
    BackupSummary,
    NotEmpty,
    NotInBackup,
    UnreadableUser,
    back_up,
    restore,
)
from persistence.maintenance.manifest import NOTE, NotABackup, read_entries, read_manifest
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.verification import verify
from persistence.memory import MemoryStore, World
from persistence.store import Store
from tests.actors.host_kit import RULES_TEXT, ask, body, grant, total_xp
from tests.persistence.conftest import Stores
from tests.persistence.maintenance.tool_kit import (
    OWNER,
    a_host,
    eras,
    exported,
    filled,
    history,
    lines,
    outcomes,
    play,
    rest,
    turns,
    version,
    watched,
    without_era,
)

USERS = [f"user-{number}" for number in range(50)]


async def copied(store: Store, destination: Store) -> BackupSummary:
    clock = itertools.count(1)
    return await back_up(store, destination, owner=OWNER, clock=lambda: f"moment {next(clock)}")


async def restored(backup: Store, store: Store, *users: str) -> dict[str, Outcome]:
    return outcomes([one async for one in restore(backup, store, users, owner=OWNER)])


async def test_a_backup_taken_while_fifty_write_has_whole_turns_and_nothing_older_than_its_begin(
    stores: Stores,
) -> None:
    """Checkpoints, snapshots and dropped journals fall into it; then it is put back and audited."""
    small = {"checkpoint_bytes": 400_000, "snapshot_every": 7}
    cluster = LocalCluster(HostSettings("", RULES_TEXT, **small), stores.here())
    acknowledged, busy, over = dict.fromkeys(USERS, 0), asyncio.Event(), asyncio.Event()

    async def write(user_id: str) -> None:
        while not over.is_set():
            number = acknowledged[user_id] + 1
            (reply,) = await cluster.ask([grant(user_id, f"c{number}")])
            assert body(reply)["version"] == number
            acknowledged[user_id] = number
            if number == 30:
                busy.set()

    writing = [asyncio.create_task(write(user_id)) for user_id in USERS]
    await busy.wait()
    begun = dict(acknowledged)
    await copied(watched(stores.here(), turns), stores.there())
    ended = dict(acknowledged)
    over.set()
    await asyncio.gather(*writing)
    await cluster.drain()

    listed = await read_entries(stores.there(), await read_manifest(stores.there()))
    assert [one.user_id for one in listed] == sorted(USERS)
    assert sum(ended.values()) > sum(begun.values())
    elsewhere = MemoryStore(World())
    assert set((await restored(stores.there(), elsewhere)).values()) == {Outcome.WRITTEN}
    assert (await verify(elsewhere)).damages == []
    host = a_host(elsewhere)
    for one in listed:
        assert begun[one.user_id] <= one.version <= ended[one.user_id] + 1
        assert await total_xp(host, one.user_id) == 10 * one.version
        assert len(await history(elsewhere, one.user_id)) == one.version
        (again,) = await ask(host, grant(one.user_id, f"c{one.version}"))
        assert body(again)["replayed"] is True
        (new,) = await ask(host, grant(one.user_id, f"c{one.version + 1}"))
        assert body(new)["version"] == one.version + 1


@pytest.mark.parametrize("call", range(1, 11))
async def test_wherever_a_checkpoint_falls_nothing_acknowledged_is_missing(call: int) -> None:
    world = World()
    host = await filled(MemoryStore(world))
    there, left = MemoryStore(World()), itertools.count(-call + 1)

    async def drain() -> None:
        if next(left) == 0:
            await host.drain()

    await copied(watched(MemoryStore(world), drain), there)
    assert next(left) > 0  # it did fall into it
    found = {name: user["version"] for name, user in (await exported(there)).items()}
    assert found == {"alice": 342, "bob": 3, "carol": 1}
    assert len(await history(there, "alice")) == 342


async def test_a_backup_is_a_store_that_a_host_can_serve(stores: Stores) -> None:
    await filled(stores.here())
    done = await copied(stores.here(), stores.there())
    manifest = done.manifest
    assert (manifest.begun, manifest.ended, manifest.users) == ("moment 1", "moment 2", 3)
    assert manifest.source == stores.here().url
    assert await lines(stores.there()) == await lines(stores.here())
    host = a_host(stores.there())
    await play(host, "alice", 342, 344)


async def test_a_backup_goes_to_an_empty_place_only(stores: Stores) -> None:
    await filled(stores.here())
    await copied(stores.here(), stores.there())
    for destination in (stores.there(), stores.here()):
        with pytest.raises(NotEmpty, match="is not empty"):
            await copied(stores.here(), destination)


async def test_everyone_is_put_back_into_an_empty_store_exactly(stores: Stores) -> None:
    await filled(stores.here())
    await copied(stores.here(), stores.there())
    before = await lines(stores.there())
    for user_id in ("alice", "bob", "carol"):
        await stores.here().delete_snapshot(user_id)
    for stream in await stores.here().streams():
        await stores.here().fence(stream)
        await stores.here().drop(stream)
    assert set((await restored(stores.there(), stores.here())).values()) == {Outcome.WRITTEN}
    after = await lines(stores.here())
    assert without_era(after) == without_era(before)
    assert eras(after).isdisjoint(eras(before))  # what clients know may be newer


async def test_one_user_is_put_back_and_no_other_is_touched(stores: Stores) -> None:
    host = await filled(stores.here())
    await copied(stores.here(), stores.there())
    await play(host, "alice", 342, 345)
    await play(host, "bob", 3, 6)
    await play(host, "dave", 0, 1)
    assert await restored(stores.there(), stores.here(), "bob") == {"bob": Outcome.REPLACED}
    found = {name: user["version"] for name, user in (await exported(stores.here())).items()}
    assert found == {"alice": 345, "bob": 7, "carol": 1, "dave": 1}
    after = a_host(stores.here(), "users:1")
    assert await total_xp(after, "bob") == 30
    (again,) = await ask(after, grant("bob", "c5"))  # undone by the restore, and never done twice
    assert body(again)["replayed"] is True
    assert await restored(stores.there(), stores.here(), "carol") == {"carol": Outcome.SAME}


async def test_a_user_who_is_not_in_the_backup_is_named_and_nothing_changes(
    stores: Stores,
) -> None:
    host = await filled(stores.here())
    await copied(stores.here(), stores.there())
    with pytest.raises(NotInBackup, match="dave"):
        await restored(stores.there(), stores.here(), "bob", "dave")
    await play(host, "bob", 3, 4)


@pytest.mark.parametrize("journalled", [True, False])
async def test_a_damaged_user_is_given_up_for_the_one_in_the_backup(
    stores: Stores, journalled: bool
) -> None:
    host = await filled(stores.here())
    await copied(stores.here(), stores.there())
    if not journalled:
        await host.drain()
    await stores.here().write_snapshot("alice", 1_000, b"no msgpack at all")
    if journalled:
        await play(host, "bob", 3, 4)
    assert await restored(stores.there(), stores.here(), "alice") == {"alice": Outcome.REPAIRED}
    assert await version(stores.here(), "alice") == 342
    assert await version(stores.here(), "bob") == 3 + journalled


async def test_a_user_who_is_damaged_in_both_costs_nobody_anything(stores: Stores) -> None:
    host = await filled(stores.here())
    await copied(stores.here(), stores.there())
    await stores.there().write_snapshot("alice", 1_000, b"no msgpack at all")
    await stores.here().write_snapshot("alice", 1_000, b"no msgpack at all")
    with pytest.raises(Corrupt, match="alice"):
        await restored(stores.there(), stores.here())
    await play(host, "bob", 3, 4)


async def test_a_user_who_is_damaged_in_the_backup_is_told_and_the_others_are_put_back(
    stores: Stores,
) -> None:
    host = await filled(stores.here())
    await host.drain()
    await copied(stores.here(), stores.there())
    await stores.there().write_snapshot("alice", 1_000, b"no msgpack at all")
    told = [one async for one in restore(stores.there(), stores.here(), (), owner=OWNER)]
    assert [one.user_id for one in told if isinstance(one, UnreadableUser)] == ["alice"]
    assert len(told) == 3


async def test_a_damaged_user_is_left_out_of_a_backup_by_name(stores: Stores) -> None:
    host = await filled(stores.here())
    await host.drain()
    await stores.here().write_snapshot("alice", 1_000, b"no msgpack at all")
    done = await copied(stores.here(), stores.there())
    assert done.manifest.damaged == ["alice"]
    assert len(done.damages) == 1
    assert set(await exported(stores.there())) == {"bob", "carol"}


async def test_a_backup_that_was_served_since_puts_nobody_back_who_moved_on(
    stores: Stores,
) -> None:
    await filled(stores.here())
    await copied(stores.here(), stores.there())
    host = a_host(stores.there())
    await play(host, "bob", 3, 5)
    await rest(host, "bob")
    told = [one async for one in restore(stores.there(), stores.here(), ["bob"], owner=OWNER)]
    assert "version 5, where the manifest has 3" in str(told)


async def test_a_store_that_is_no_backup_is_not_restored_from(stores: Stores) -> None:
    await filled(stores.here())
    with pytest.raises(NotABackup, match="no finished backup"):
        await restored(stores.here(), stores.there())


async def test_a_backup_that_broke_off_has_no_manifest(stores: Stores) -> None:
    await filled(stores.here())
    late = stores.there()

    async def copy() -> None:
        await back_up(
            stores.here(), stores.there(), owner=OWNER, clock=lambda: "now", on_progress=stop
        )

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy()
    with pytest.raises(NotABackup):
        await read_manifest(late)


async def test_a_manifest_of_a_newer_format_is_refused_by_name(stores: Stores) -> None:
    await stores.there().write_note(NOTE, b'{"questkeep_backup": 2, "pages": []}')
    with pytest.raises(NewerFormat, match="note backup has format 2"):
        await read_manifest(stores.there())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"questkeep_backup": 1}'])
async def test_a_manifest_that_cannot_be_read_is_damage(stores: Stores, content: bytes) -> None:
    await stores.there().write_note(NOTE, content)
    with pytest.raises(Corrupt, match="note backup"):
        await read_manifest(stores.there())


async def test_a_list_of_users_that_was_changed_is_damage(stores: Stores) -> None:
    await filled(stores.here())
    head = (await copied(stores.here(), stores.there())).manifest
    part = msgspec.structs.replace(head.parts[0], blake2b="00")
    with pytest.raises(Corrupt, match="note backup-00000001"):
        await read_entries(stores.there(), msgspec.structs.replace(head, parts=[part]))


async def test_a_server_that_begins_to_serve_during_a_restore_is_noticed(stores: Stores) -> None:
    await filled(stores.here())
    await copied(stores.here(), stores.there())
    late = stores.here()

    async def interrupted() -> None:
        async for _ in restore(stores.there(), stores.here(), owner=OWNER):
            await late.claim("users:7")

    with pytest.raises(StoreInUse, match="began to serve"):
        await interrupted()


async def test_a_host_of_a_server_that_a_tool_shut_out_answers_nobody(stores: Stores) -> None:
    """Also where no lock can keep servers out (P3)."""
    host = await filled(stores.here())
    await copied(stores.here(), stores.there())
    await restored(stores.there(), stores.here(), "bob")
    (reply,) = await ask(host, grant("bob", "late"))
    assert reply.code == "outcome_unknown"
    stored = await stores.here().read_snapshot("bob")
    assert stored is not None
    receipts = decode_snapshot(stored.payload, "bob").receipts
    assert "late" not in [receipt.command_id for receipt in receipts]
