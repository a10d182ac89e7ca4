"""A user who asks to be forgotten leaves no byte behind, and nobody else loses one."""

from pathlib import Path

import pytest

from persistence.disk.lock import lock_store
from persistence.disk.store import DiskStore
from persistence.errors import StoreInUse
from persistence.maintenance.deletion import delete
from persistence.maintenance.verification import verify
from persistence.objects.names import word
from tests.actors.host_kit import ask, body, grant
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.persistence.conftest import Stores
from tests.persistence.maintenance.tool_kit import OWNER, a_host, exported, filled, play, rest

WHO = "zaphod.b:eeblebrox@earth"
HOST = f"user:{WHO}"


async def test_a_deleted_user_is_gone_and_everyone_else_stands_whole(stores: Stores) -> None:
    await filled(stores.here())
    before = await exported(stores.here())
    assert await delete(stores.here(), "alice", ["user:alice"], owner=OWNER) is True
    after = await exported(stores.here())
    assert after == {name: user for name, user in before.items() if name != "alice"}
    assert (await verify(stores.here())).damages == []
    assert [name async for name in stores.here().users() if "alice" in name] == []
    assert await delete(stores.here(), "alice", ["user:alice"], owner=OWNER) is False


async def test_a_deleted_user_may_come_back_as_a_new_one(stores: Stores) -> None:
    await filled(stores.here())
    await delete(stores.here(), "alice", [], owner=OWNER)
    host = a_host(stores.here(), "users:1")
    (reply,) = await ask(host, grant("alice", "c0"))
    assert body(reply)["version"] == 1


async def test_whoever_comes_back_begins_another_era_and_nobody_else_does(stores: Stores) -> None:
    await filled(stores.here())
    before = await exported(stores.here())
    await delete(stores.here(), "alice", [], owner=OWNER)
    await play(a_host(stores.here(), "users:1"), "alice", 0, 1)
    after = await exported(stores.here())
    assert after["alice"]["era"] not in ("", before["alice"]["era"])
    assert after["bob"]["era"] == before["bob"]["era"] != ""


async def test_a_damaged_user_can_be_deleted(stores: Stores) -> None:
    host = await filled(stores.here())
    await play(host, "bob", 3, 4)
    await stores.here().write_snapshot("alice", 1_000, b"no msgpack at all")
    assert await delete(stores.here(), "alice", [], owner=OWNER) is True
    assert set(await exported(stores.here())) == {"bob", "carol"}


async def test_on_disk_no_byte_of_the_id_is_left_whatever_the_placement(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, segment_bytes=2_000)
    for host in (a_host(store, "users:0"), a_host(store, HOST)):
        await play(host, WHO, 0 if host.name != HOST else 400, 340 if host.name != HOST else 410)
        await play(host, f"friend-of-{host.name[:5]}", 0, 3)
        await rest(host, WHO)
    await play(a_host(store, HOST), WHO, 500, 503)
    assert _with(tmp_path, WHO)
    assert await delete(store, WHO, [HOST], owner=OWNER)
    await store.close()
    assert _with(tmp_path, WHO) == []


async def test_in_a_bucket_no_byte_of_the_id_is_left_tombstones_included() -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    for begin in (0, 340):  # a takeover leaves tombstones under the host's name
        await play(a_host(store, HOST), WHO, begin, begin + 340)
    assert await delete(store, WHO, [HOST], owner=OWNER)
    for name in objects.all_names():
        assert WHO not in name
        assert word(WHO) not in name
        found = objects.get(name)
        assert found is not None
        assert WHO.encode() not in found.content


async def test_a_deletion_that_broke_off_is_finished_by_the_next(stores: Stores) -> None:
    host = await filled(stores.here())
    await play(host, "alice", 342, 600)  # two pages
    await rest(host, "alice")
    await stores.here().delete_snapshot("alice+00000000000000000257")  # as far as it came
    await delete(stores.here(), "alice", [], owner=OWNER)
    assert [name async for name in stores.here().users() if "alice" in name] == []


async def test_nobody_is_deleted_while_a_server_serves(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    await filled(store)
    before = await exported(store)
    with (
        lock_store(tmp_path, "http://127.0.0.1:8080"),
        pytest.raises(StoreInUse, match=r"the server at http://127\.0\.0\.1:8080"),
    ):
        await delete(store, "alice", [], owner=OWNER)
    assert await exported(store) == before
    with (
        lock_store(tmp_path, "questkeep store restore"),
        pytest.raises(StoreInUse, match="in use by `questkeep store restore`"),
    ):
        await delete(store, "alice", [], owner=OWNER)
    await store.close()


def _with(folder: Path, text: str) -> list[str]:
    """Every file whose name, folder or content has `text` in it."""
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if text in str(path.relative_to(folder)) or text.encode() in content:
            found.append(str(path))
    return found
