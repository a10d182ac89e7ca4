"""What is stored, readably: reading changes nothing and tells what a server would serve."""

from persistence.maintenance.backup import back_up
from persistence.maintenance.inspection import inspect_store, inspect_user
from tests.actors.host_kit import ask, command
from tests.persistence.conftest import Stores
from tests.persistence.maintenance.tool_kit import OWNER, a_host, filled, play, rest


async def test_a_store_is_told_in_numbers_and_users_are_counted_on_request(
    stores: Stores,
) -> None:
    await filled(stores.here())
    found = await inspect_store(stores.here(), users=True)
    [stream] = found.streams
    assert (stream.host, stream.fenced, stream.records, stream.users) == ("users:0", False, 346, 3)
    assert stream.damage is None
    assert found.users == 2  # carol has no snapshot, and a page is nobody
    assert (await inspect_store(stores.here(), users=False)).users is None
    await stores.here().fence((await stores.here().streams())[0])
    assert (await inspect_store(stores.here(), users=False)).streams[0].fenced


async def test_a_user_is_told_with_what_waits_in_journals(stores: Stores) -> None:
    host = await filled(stores.here())
    found = await inspect_user(stores.here(), "alice")
    assert found is not None
    assert (found.version, found.snapshot_version, found.account_pages) == (342, 340, 1)
    assert [(turn.version, turn.command_id) for turn in found.waiting] == [
        (341, "c340"),
        (342, "c341"),
    ]
    assert found.rows.player_progression.total_xp == 3420
    assert (found.receipts[-1].command_id, found.receipts[-1].version) == ("c341", 342)
    await rest(host, "alice")
    found = await inspect_user(stores.here(), "alice")
    assert found is not None
    assert (found.version, found.snapshot_version, found.waiting) == (342, 342, [])


async def test_a_user_who_is_only_journalled_is_told_and_nobody_is_nobody(
    stores: Stores,
) -> None:
    await filled(stores.here())
    found = await inspect_user(stores.here(), "carol")
    assert found is not None
    assert (found.version, found.snapshot_version, found.snapshot_bytes) == (1, 0, 0)
    assert await inspect_user(stores.here(), "nobody") is None


async def test_a_backup_says_that_it_is_one(stores: Stores) -> None:
    host = a_host(stores.here())
    await ask(host, command("u", "c", "offer_quest", quest_id="q", reward={}))
    await back_up(stores.here(), stores.there(), owner=OWNER, clock=lambda: "now")
    found = await inspect_store(stores.there(), users=False)
    assert found.backup is not None
    assert (found.backup.users, found.backup.source) == (1, stores.here().url)


async def test_a_journal_with_records_that_are_none_is_told_as_far_as_it_goes(
    stores: Stores,
) -> None:
    await play(a_host(stores.here()), "u", 0, 1)
    stream = await stores.here().claim("users:1")
    await stream.append(b"no batch at all")
    found = {one.host: one for one in (await inspect_store(stores.here(), users=False)).streams}
    assert found["users:0"].damage is None
    assert "batch 1 at byte 0" in str(found["users:1"].damage)
