"""The slot table: who has which users, exchanged version by version; the fewest slots move."""

import asyncio
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import Corrupt, Fenced, NewerFormat
from persistence.journal.recovery import take_over
from persistence.memory import MemoryStore, World
from persistence.slot_table import (
    NAME,
    NotReleased,
    SlotTable,
    begin_table,
    change_table,
    read_table,
    register,
    settle,
    slot_of,
    slots_for,
    spread,
)
from persistence.store import StreamId

HOSTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)


def test_a_user_belongs_to_the_same_slot_for_ever() -> None:
    assert [slot_of(user, 64) for user in ("alice", "bob", "carol")] == [7, 0, 3]


def test_the_table_is_read_for_ever_as_it_was_first_written() -> None:
    stored = bytes.fromhex(
        "85a5736c6f747392a161a162ac696e6361726e6174696f6e7381a161a23161a6736572766572a173"
        "a6666f726d617401a776657273696f6e07"
    )
    table = SlotTable(("a", "b"), {"a": "1a"}, "s", version=7)
    assert msgspec.msgpack.decode(stored, type=SlotTable) == table
    assert msgspec.msgpack.encode(table) == stored


@pytest.mark.parametrize("hosts", [1, 2, 4, 8, 16, 32, 64])
async def test_in_a_new_store_a_power_of_two_of_hosts_has_the_users_it_always_had(
    hosts: int,
) -> None:
    store = MemoryStore(World())
    server, _ = await take_over(store, 1)
    names = [f"users:{number}" for number in range(hosts)]
    table = await begin_table(store, server.id, names)
    for user in (f"user-{number}" for number in range(200)):
        assert table.host_of(user) == f"users:{crc32(user.encode()) % hosts}"


@given(HOSTS, HOSTS, st.sampled_from([64, 128]))
def test_slots_are_spread_evenly_with_the_fewest_moves(
    before: list[str], after: list[str], count: int
) -> None:
    slots = spread([before[0]] * count, before)
    spread_anew = spread(slots, after)
    sizes = [spread_anew.count(host) for host in after]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    moved = sum(one != other for one, other in zip(slots, spread_anew, strict=True))
    # Whoever stays keeps all it has, up to its share; the larger shares are theirs who have most.
    share, larger = divmod(count, len(after))
    held = sorted((slots.count(host) for host in after), reverse=True)
    kept = sum(min(has, share + (place < larger)) for place, has in enumerate(held))
    assert moved == count - kept
    assert spread(spread_anew, after) == spread_anew


def test_there_are_enough_slots_however_many_hosts_there_are() -> None:
    assert [slots_for(hosts) for hosts in (1, 16, 17, 1_024)] == [64, 64, 128, 4_096]


async def test_of_changes_at_once_each_comes_into_the_table() -> None:
    store = MemoryStore(World())
    server, _ = await take_over(store, 1)
    await begin_table(store, server.id, ["a", "b"])
    lives = [StreamId(host, "1") for host in "abcdefgh"]
    await asyncio.gather(*(register(store, life, server.id) for life in lives))
    table = await read_table(store)
    assert table is not None
    assert table.incarnations == dict.fromkeys("abcdefgh", "1")
    assert table.version == 9


async def test_a_host_of_an_earlier_server_does_not_get_into_the_table() -> None:
    store = MemoryStore(World())
    earlier, _ = await take_over(store, 1)
    await begin_table(store, earlier.id, ["a"])
    later, _ = await take_over(store, 1)
    await begin_table(store, later.id, ["a"])
    with pytest.raises(Fenced, match="another server has taken over"):
        await register(store, StreamId("a", "1"), earlier.id)
    with pytest.raises(Fenced, match="another server has taken over"):
        await begin_table(store, earlier.id, ["a"])


async def test_slots_stay_where_they_are_when_a_server_begins_anew() -> None:
    store = MemoryStore(World())
    server, _ = await take_over(store, 1)
    before = await begin_table(store, server.id, ["a", "b"])
    server, _ = await take_over(store, 1)
    more = await begin_table(store, server.id, ["a", "b", "c", "d"])
    assert sum(one != other for one, other in zip(before.slots, more.slots, strict=True)) == 32
    server, _ = await take_over(store, 1)
    hosts = [f"h{number}" for number in range(20)]
    many = await begin_table(store, server.id, hosts)
    assert len(many.slots) == 128


def test_slots_move_only_in_exchange_for_the_life_that_let_go_of_them() -> None:
    table = SlotTable(("a", "a", "b"), {"a": "1", "b": "2"})
    assert table.moved([0], StreamId("a", "1"), "b").slots == ("b", "a", "b")
    assert table.moved([2], StreamId("a", "1"), "b") == table
    for released, slots in ((StreamId("a", "0"), [0]), (StreamId("b", "2"), [0])):
        with pytest.raises(NotReleased):
            table.moved(slots, released, "c")


async def test_what_settles_cannot_be_replaced_by_an_earlier_write_that_comes_late() -> None:
    store = MemoryStore(World())
    server, _ = await take_over(store, 1)
    table = await begin_table(store, server.id, ["a"])
    settled = await settle(store)
    assert settled is not None
    late = SlotTable(("b",) * 64, {}, server.id.incarnation, version=table.version + 1)
    await store.write_snapshot(NAME, late.version, msgspec.msgpack.encode(late))
    assert await read_table(store) == settled


async def test_a_store_without_a_table_has_nothing_to_change_or_settle() -> None:
    store = MemoryStore(World())
    assert await change_table(store, lambda table: table) is None
    assert await register(store, StreamId("a", "1"), None) is None
    assert await settle(store) is None


async def test_a_table_that_is_none_of_ours_is_named() -> None:
    store = MemoryStore(World())
    await store.write_snapshot(NAME, 1, b"\x01")
    with pytest.raises(Corrupt, match="slot table"):
        await read_table(store)
    newer = SlotTable(("a",), format=2, version=2)
    await store.write_snapshot(NAME, 2, msgspec.msgpack.encode(newer))
    with pytest.raises(NewerFormat, match="format 2"):
        await read_table(store)
