"""A host: one turn at a time, replies after durability, no trust in what may not be."""

import asyncio

import pytest
from msgspec.structs import replace

from actors.host import journal
from actors.host.eviction import passivate_idle
from actors.messages import View
from persistence import eras
from persistence.codec.snapshots import decode_snapshot
from persistence.journal.recovery import take_over
from persistence.memory import MemoryStore
from tests.actors.host_kit import Rig, ask, body, command, grant, look, total_xp


async def test_a_reply_leaves_only_after_the_change_is_durable() -> None:
    rig = Rig()
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, grant("u", "c")))
    await rig.host.ask([look("other")])  # the loop has turned; the append stands at its gate
    assert not asked.done()
    rig.faults.before_append.set()
    (reply,) = await asked
    assert body(reply)["version"] == 1


async def test_readers_never_see_what_is_not_durable() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, grant("u", "c2", 90)))
    await asyncio.sleep(0)
    assert await total_xp(rig.host, "u") == 10
    rig.faults.before_append.set()
    await asked
    assert await total_xp(rig.host, "u") == 100


async def test_a_refusal_that_rests_on_an_undurable_turn_waits_for_it() -> None:
    rig = Rig()
    await ask(rig.host, command("u", "c1", "offer_quest", quest_id="q", reward={"experience": 5}))
    rig.faults.before_append = asyncio.Event()
    first = asyncio.create_task(ask(rig.host, command("u", "c2", "turn_in_quest", quest_id="q")))
    await asyncio.sleep(0)
    second = asyncio.create_task(ask(rig.host, command("u", "c3", "turn_in_quest", quest_id="q")))
    await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    rig.faults.before_append.set()
    assert body((await first)[0])["version"] == 2
    assert (await second)[0].code == "quest_already_turned_in"


async def test_commands_of_one_message_see_each_other_in_order() -> None:
    rig = Rig()
    replies = await ask(
        rig.host,
        command("u", "c1", "offer_quest", quest_id="q", reward={"experience": 500}),
        command("u", "c2", "turn_in_quest", quest_id="q"),
        command("u", "c3", "acknowledge_level_ups"),
    )
    assert [body(reply)["version"] for reply in replies] == [1, 2, 3]


async def test_the_same_command_again_gets_the_same_body_marked_as_replayed() -> None:
    rig = Rig()
    (first,) = await ask(rig.host, grant("u", "c"))
    (again,) = await ask(rig.host, grant("u", "c"))
    assert body(again) == {**body(first), "replayed": True}
    assert await total_xp(rig.host, "u") == 10


async def test_a_command_id_used_for_something_else_is_refused() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c", 10))
    (reply,) = await ask(rig.host, grant("u", "c", 11))
    assert reply.code == "command_id_reused"
    assert await total_xp(rig.host, "u") == 10


async def test_a_command_and_its_retry_in_one_message_have_one_effect() -> None:
    rig = Rig()
    replies = await ask(rig.host, grant("u", "c"), grant("u", "c"))
    assert [body(reply)["replayed"] for reply in replies] == [False, True]
    assert await total_xp(rig.host, "u") == 10


async def test_reads_refusals_and_grants_of_nothing_leave_no_trace_in_the_store() -> None:
    rig = Rig()
    for request in (
        look("u"),
        grant("u", "c", 0),
        command("u", "d", "turn_in_quest", quest_id="q"),
    ):
        await ask(rig.host, request)
    await rig.host.drain()
    assert rig.world.journals == {}
    assert list(rig.world.snapshots) == [eras.NAME]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
async def test_a_failed_append_is_never_half_believed(kept: bool) -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    if kept:
        rig.faults.appends_unconfirmed = 1
    else:
        rig.faults.appends_lost = 1
    (reply,) = await ask(rig.host, grant("u", "c2", 90))
    assert reply.code == "outcome_unknown"
    assert reply.retry_after_ms is not None
    assert await total_xp(rig.host, "u") == (100 if kept else 10)
    (again,) = await ask(rig.host, grant("u", "c2", 90))
    assert body(again)["replayed"] is kept
    assert await total_xp(rig.host, "u") == 100


async def test_after_a_failed_append_every_user_is_read_anew() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"), grant("v", "c1"))
    rig.faults.appends_lost = 1
    await ask(rig.host, grant("u", "c2"))
    assert rig.host.activations.awake == {}
    assert await total_xp(rig.host, "v") == 10


async def test_a_store_that_is_away_refuses_and_serves_again_when_it_is_back() -> None:
    rig = Rig()
    rig.faults.reads = 1
    (reply,) = await ask(rig.host, grant("u", "c"))
    assert reply.code == "user_unavailable"
    (again,) = await ask(rig.host, grant("u", "c"))
    assert body(again)["replayed"] is False


async def test_a_successor_folds_what_its_predecessor_journalled() -> None:
    rig = Rig()
    (first,) = await ask(rig.host, grant("u", "c"))
    successor = rig.another()
    assert await total_xp(successor, "u") == 10
    (again,) = await ask(successor, grant("u", "c"))
    assert body(again) == {**body(first), "replayed": True}


async def test_a_predecessor_that_lives_on_is_fenced_and_says_so() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    successor = rig.another()
    await ask(successor, grant("u", "c2"))
    (stale,) = await ask(rig.host, grant("u", "c3"))
    assert stale.code == "outcome_unknown"
    assert rig.fenced == ["h"]


async def test_of_two_hosts_that_looked_before_either_wrote_the_second_builds_on_the_first() -> (
    None
):
    rig = Rig()
    other = rig.another()
    await ask(rig.host, look("u"))
    await ask(other, look("u"))
    await ask(rig.host, grant("u", "c1"))
    (reply,) = await ask(other, grant("u", "c2"))
    assert body(reply)["version"] == 2
    assert await total_xp(other, "u") == 20


async def test_an_idle_user_is_snapshotted_and_gone_and_comes_back_whole() -> None:
    rig = Rig()
    (first,) = await ask(rig.host, grant("u", "c"))
    await passivate_idle(rig.host.activations, 0)
    assert rig.host.activations.awake == {}
    assert rig.world.snapshots["u"].version == 1
    (again,) = await ask(rig.host, grant("u", "c"))
    assert body(again) == {**body(first), "replayed": True}


async def test_a_message_that_comes_during_passivation_is_answered() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    rig.faults.before_snapshot_write = asyncio.Event()
    passivating = asyncio.create_task(passivate_idle(rig.host.activations, 0))
    await asyncio.sleep(0)
    asked = asyncio.create_task(ask(rig.host, grant("u", "c2")))
    await asyncio.sleep(0)
    rig.faults.before_snapshot_write.set()
    await passivating
    assert body((await asked)[0])["version"] == 2


async def test_a_snapshot_holds_no_receipt_of_a_turn_that_is_not_durable() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, grant("u", "c2")))
    await asyncio.sleep(0)
    actor = rig.host.activations.awake["u"].actor
    assert actor is not None
    snapshot = decode_snapshot(b"".join(actor.snapshot()), "test")
    assert snapshot.state.version == 1
    assert [receipt.command_id for receipt in snapshot.receipts] == ["c1"]
    rig.faults.before_append.set()
    await asked


async def test_drained_hosts_leave_snapshots_and_no_journal() -> None:
    rig = Rig()
    await ask(rig.host, *(grant(f"u{n}", "c") for n in range(20)))
    await rig.host.drain()
    assert rig.world.journals == {}
    assert {stored.version for stored in rig.world.snapshots.values()} == {1}
    (late,) = await ask(rig.host, grant("u1", "late"))
    assert late.code == "draining"


async def test_a_checkpoint_covers_the_journal_and_drops_it() -> None:
    rig = Rig(checkpoint_bytes=1)
    for n in range(5):
        await ask(rig.host, grant("u", f"c{n}"))
    await rig.host.drain()
    assert rig.world.snapshots["u"].version == 5


async def test_a_snapshot_that_failed_is_not_believed_and_the_journal_stands() -> None:
    rig = Rig(snapshot_every=1)
    rig.faults.snapshot_writes = 10
    await ask(rig.host, grant("u", "c"))
    await rig.host.drain()
    assert "u" not in rig.world.snapshots
    assert len(rig.world.journals) == 1
    assert await total_xp(rig.another(faults=type(rig.faults)()), "u") == 10


async def test_a_full_mailbox_refuses_at_once_and_only_that_user() -> None:
    rig = Rig(mailbox_depth_max=3)
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, *(grant("u", f"c{n}") for n in range(5))))
    other = asyncio.create_task(ask(rig.host, grant("v", "c")))
    await asyncio.sleep(0)
    rig.faults.before_append.set()
    replies = await asked
    assert [reply.code for reply in replies] == ["", "", "", "user_busy", "user_busy"]
    assert replies[-1].retry_after_ms is not None
    assert (await other)[0].code == ""
    assert (await ask(rig.host, grant("u", "c9")))[0].code == ""


async def test_a_journal_that_is_behind_takes_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "UNDURABLE_BYTES_MAX", 1_000)
    rig = Rig()
    await ask(rig.host, grant("u", "first"))
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, *(grant("u", f"c{n}") for n in range(10))))
    await asyncio.sleep(0)
    (reply,) = await ask(rig.host, look("v"))
    assert (reply.code, reply.detail) == ("overloaded", "the journal is behind")
    assert reply.retry_after_ms is not None
    rig.faults.before_append.set()
    assert (await asked)[0].code == ""
    assert (await ask(rig.host, grant("v", "c")))[0].code == ""


async def test_a_host_full_of_busy_users_refuses_one_more_and_takes_them_later() -> None:
    rig = Rig(users_max=10)
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, *(grant(f"u{n}", "c") for n in range(11))))
    await asyncio.sleep(0)
    (reply,) = await ask(rig.host, grant("one more", "c"))
    assert reply.code == "overloaded"
    assert reply.retry_after_ms is not None
    rig.faults.before_append.set()
    assert {reply.code for reply in await asked} == {""}
    assert (await ask(rig.host, grant("one more", "c")))[0].code == ""


async def test_the_receipt_of_a_command_can_be_read() -> None:
    rig = Rig()
    (first,) = await ask(rig.host, grant("u", "c"))
    (receipt,) = await ask(rig.host, look("u", View.COMMAND, "c"))
    assert body(receipt) == {**body(first), "replayed": True}
    (missing,) = await ask(rig.host, look("u", View.COMMAND, "d"))
    assert missing.code == "command_not_found"


async def test_receipts_outside_the_window_are_forgotten() -> None:
    rig = Rig(receipt_window=2)
    await ask(rig.host, *(grant("u", f"c{n}") for n in range(3)))
    codes = [(await ask(rig.host, look("u", View.COMMAND, f"c{n}")))[0].code for n in range(3)]
    assert codes == ["command_not_found", "", ""]


async def test_hosts_of_an_earlier_server_cannot_begin_to_write_whatever_their_placement() -> None:
    rig = Rig()
    store = MemoryStore(rig.world)
    first, _ = await take_over(store, receipt_window=100)
    rig.settings = replace(rig.settings, server=first.id)
    open_already, not_yet = rig.another("user:u"), rig.another("user:v")
    await ask(open_already, grant("u", "c1"))
    await ask(not_yet, look("v"))

    second, folded = await take_over(store, receipt_window=100)
    assert folded.records == 1
    rig.settings = replace(rig.settings, server=second.id)
    packed = rig.another("users:0")
    await ask(packed, grant("u", "c2"), grant("v", "c1"))

    (shut_out,) = await ask(open_already, grant("u", "c3"))
    (kept_out,) = await ask(not_yet, grant("v", "c2"))
    assert (shut_out.code, kept_out.code) == ("outcome_unknown", "user_unavailable")
    assert (await total_xp(packed, "u"), await total_xp(packed, "v")) == (20, 10)


async def test_a_server_that_leaves_in_peace_leaves_nothing_behind() -> None:
    rig = Rig()
    server, _ = await take_over(MemoryStore(rig.world), receipt_window=100)
    rig.settings = replace(rig.settings, server=server.id)
    host = rig.another()
    await ask(host, grant("u", "c1"))
    await host.drain()
    await server.close()
    assert rig.world.journals == {}
