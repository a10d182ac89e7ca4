"""Undo of grants that have left memory: found in stored pages, in the order of the mailbox."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.host.host import Host
from actors.messages import Ask, Media, Read, Reply, View
from domain.state.history import HISTORY_PAGE, HISTORY_TAIL
from persistence.codec.history_pages import page_name
from persistence.open import open_store
from tests.actors.host_kit import Rig, ask, body, command, grant, settings, total_xp

GRANTS = 600
SUM = sum(range(1, GRANTS + 1))
ROOM = {"mailbox_depth_max": 1_000}

NewHost = Callable[[], Host]


@pytest.fixture(params=["memory", "disk"])
def new_host(request: pytest.FixtureRequest, tmp_path: Path) -> NewHost:
    """Hosts over one store, each as if the one before had been killed."""
    if request.param == "memory":
        return Rig().another
    clock = itertools.count(1_000_000)

    def over_disk() -> Host:
        store = open_store(tmp_path.as_uri())
        return Host("h", store, settings(), now=lambda: next(clock), on_fenced=lambda: None)

    return over_disk


def undo(command_id: str, of: str) -> Ask:
    return command("u", command_id, "undo_grant", undo_command_id=of)


async def grow(host: Host, first: int = 0, number: int = GRANTS) -> None:
    """Grants c0, c1, ... of 1, 2, ... XP, so many that the first ones leave memory."""
    for start in range(first, first + number, 100):
        end = min(start + 100, first + number)
        for reply in await ask(host, *(grant("u", f"c{n}", n + 1) for n in range(start, end))):
            body(reply)


async def history(host: Host, after: int = 0) -> list[dict[str, Any]]:
    (reply,) = await host.ask([Read("u", View.HISTORY, "", Media.JSON, after, 1_000)])
    found: list[dict[str, Any]] = body(reply)["history"]
    return found


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the moment is the point
        await asyncio.sleep(0)


async def left_memory(host: Host, sequence: int) -> None:
    """Return once the entry stands in a page; pages are stored beside everything else."""
    await until(lambda: in_memory(host).start > sequence)


def in_memory(host: Host) -> range:
    """The sequences that are in memory."""
    actor = host.activations.awake["u"].actor
    assert actor is not None
    return range(actor.durable.history[0].sequence, actor.durable.next_sequence)


async def grown() -> Rig:
    rig = Rig(**ROOM)
    await grow(rig.host)
    await left_memory(rig.host, HISTORY_PAGE)
    return rig


@pytest.mark.parametrize("number", [0, HISTORY_PAGE - 1, HISTORY_PAGE, 2 * HISTORY_PAGE - 1])
async def test_a_grant_that_left_memory_is_undone(new_host: NewHost, number: int) -> None:
    host = new_host()
    await grow(host)
    await left_memory(host, number + 1)
    (reply,) = await ask(host, undo("u1", f"c{number}"))
    (event,) = body(reply)["events"]
    assert (event["type"], event["sequence"]) == ("grant_undone", number + 1)
    assert event["taken"] == {"experience": number + 1}
    assert await total_xp(host, "u") == SUM - (number + 1)
    assert (await history(host))[-1]["undoes"] == number + 1
    await host.drain()


async def test_it_is_undone_once_also_by_a_host_that_comes_after(new_host: NewHost) -> None:
    first = new_host()
    await grow(first)
    await first.drain()
    killed = new_host()
    (reply,) = await ask(killed, undo("u1", "c0"))
    assert body(reply)["version"] == GRANTS + 1
    host = new_host()
    again, twice = await ask(host, undo("u1", "c0"), undo("u2", "c0"))
    assert body(again)["replayed"]
    assert (twice.code, "by command u1" in twice.detail) == ("already_undone", True)
    assert await total_xp(host, "u") == SUM - 1
    await host.drain()


async def test_an_undo_that_has_left_memory_itself_is_still_known(new_host: NewHost) -> None:
    host = new_host()
    await grow(host)
    await left_memory(host, 4)
    (reply,) = await ask(host, undo("u1", "c3"))
    body(reply)
    await grow(host, first=GRANTS, number=2 * HISTORY_PAGE + HISTORY_TAIL)
    await left_memory(host, GRANTS + 1)
    (twice,) = await ask(host, undo("u2", "c3"))
    assert (twice.code, "by command u1" in twice.detail) == ("already_undone", True)
    (other,) = await ask(host, undo("u3", "c4"))
    assert body(other)["events"][0]["taken"] == {"experience": 5}
    await host.drain()


async def test_what_no_page_holds_was_never_granted(new_host: NewHost) -> None:
    host = new_host()
    await grow(host)
    (reply,) = await ask(host, undo("u1", "c999"))
    assert reply.code == "grant_not_found"
    assert "c999" in reply.detail
    await host.drain()


async def test_both_grants_of_an_id_that_was_taken_twice_are_undone_at_once() -> None:
    rig = Rig(receipt_window=10, **ROOM)
    await grow(rig.host)
    await left_memory(rig.host, 1)
    (again,) = await ask(rig.host, grant("u", "c0", 77))  # nothing in memory names it any more
    assert body(again)["replayed"] is False
    (reply,) = await ask(rig.host, undo("u1", "c0"))
    taken = [(event["sequence"], event["taken"]) for event in body(reply)["events"]]
    assert taken == [(1, {"experience": 1}), (GRANTS + 1, {"experience": 77})]
    assert await total_xp(rig.host, "u") == SUM - 1
    assert [entry.get("undoes") for entry in await history(rig.host, GRANTS + 1)] == [
        1,
        GRANTS + 1,
    ]
    (twice,) = await ask(rig.host, undo("u2", "c0"))
    assert twice.code == "already_undone"


async def test_an_id_without_a_receipt_is_refused_while_the_history_in_memory_names_it() -> None:
    rig = Rig(receipt_window=10, **ROOM)
    await grow(rig.host)
    await left_memory(rig.host, HISTORY_PAGE)
    oldest = in_memory(rig.host).start
    refused, taken = await ask(
        rig.host, grant("u", f"c{oldest - 1}", 5), grant("u", f"c{oldest - 2}", 5)
    )
    assert (refused.code, taken.code) == ("receipt_gone", "")
    assert await total_xp(rig.host, "u") == SUM + 5
    await rig.host.drain()
    (still,) = await ask(rig.another(), grant("u", f"c{oldest - 1}", 5))
    assert still.code == "receipt_gone"


async def test_a_store_that_is_away_costs_nothing_and_the_same_command_works_later() -> None:
    rig = await grown()
    rig.faults.reads = 1
    (away,) = await ask(rig.host, undo("u1", "c0"))
    assert (away.code, away.retry_after_ms is not None) == ("user_unavailable", True)
    assert await total_xp(rig.host, "u") == SUM
    (reply, after) = await ask(rig.host, undo("u1", "c0"), grant("u", "more", 5))
    assert body(reply)["events"][0]["taken"] == {"experience": 1}
    assert body(after)["version"] == GRANTS + 2


async def test_a_page_that_is_gone_is_for_an_operator_and_nothing_is_undone() -> None:
    rig = await grown()
    del rig.world.snapshots[page_name("u", 1)]
    (reply,) = await ask(rig.host, undo("u1", "c0"))
    assert (reply.code, "operator" in reply.detail) == ("user_unavailable", True)
    assert await total_xp(rig.host, "u") == SUM


async def test_what_comes_meanwhile_waits_in_order_and_other_users_do_not() -> None:
    rig = await grown()
    gate = rig.faults.before_snapshot_read = asyncio.Event()
    waiting = rig.host.ask([undo("u1", "c0"), grant("u", "after", 9), undo("u2", "c0")])
    late = rig.host.ask([Read("u", View.PROGRESSION, "", Media.JSON)])
    replies = asyncio.gather(waiting, late)
    await asyncio.sleep(0)  # the first of them is under way
    rig.faults.before_snapshot_read = None
    (other,) = await ask(rig.host, grant("v", "c1", 3))
    assert body(other)["version"] == 1
    assert not replies.done()
    gate.set()
    (first, second, third), (read,) = await replies
    assert [body(first)["version"], body(second)["version"]] == [GRANTS + 1, GRANTS + 2]
    assert third.code == "already_undone"
    assert body(read)["player_progression"]["total_xp"] == SUM - 1 + 9


async def test_a_replayed_undo_reads_nothing_again() -> None:
    rig = await grown()
    (first,) = await ask(rig.host, undo("u1", "c0"))
    rig.faults.reads = 1
    (again,) = await ask(rig.host, undo("u1", "c0"))
    assert body(again) == {**body(first), "replayed": True}
    assert rig.faults.reads == 1


async def test_entries_may_leave_memory_while_their_grant_is_looked_for() -> None:
    rig = Rig(**ROOM)
    full = HISTORY_TAIL + HISTORY_PAGE
    await grow(rig.host, number=2 * HISTORY_PAGE + HISTORY_TAIL - 1)
    before = in_memory(rig.host).start
    last = 2 * HISTORY_PAGE + HISTORY_TAIL - 1
    assert len(in_memory(rig.host)) == full - 1
    gate = rig.faults.before_snapshot_read = asyncio.Event()
    # The grant makes a page due; it is stored while the undo waits for the first page.
    asked = asyncio.ensure_future(rig.host.ask([grant("u", "one-more", 1), undo("u1", "c0")]))
    await left_memory(rig.host, before)
    gate.set()
    one, two = await asked
    assert (body(one)["version"], body(two)["version"]) == (last + 1, last + 2)
    assert [entry["sequence"] for entry in await history(rig.host)] == list(range(1, last + 3))


async def test_a_journal_that_is_lost_meanwhile_undoes_nothing() -> None:
    rig = await grown()
    gate = rig.faults.before_snapshot_read = asyncio.Event()
    rig.faults.appends_lost = 1
    asked = asyncio.ensure_future(rig.host.ask([grant("u", "lost", 1), undo("u1", "c0")]))
    await until(lambda: "u" not in rig.host.activations.awake)
    rig.faults.before_snapshot_read = None
    gate.set()
    lost, unavailable = await asked
    assert (lost.code, unavailable.code) == ("outcome_unknown", "user_unavailable")
    (reply,) = await ask(rig.host, undo("u1", "c0"))
    assert body(reply)["version"] == GRANTS + 1
    assert await total_xp(rig.host, "u") == SUM - 1


async def test_a_drain_waits_for_an_undo_that_looks_back() -> None:
    rig = await grown()
    gate = rig.faults.before_snapshot_read = asyncio.Event()
    asked = asyncio.ensure_future(rig.host.ask([undo("u1", "c0")]))
    await asyncio.sleep(0)
    drained = asyncio.ensure_future(rig.host.drain())
    await asyncio.sleep(0)
    assert not drained.done()
    rig.faults.before_snapshot_read = None
    gate.set()
    replies: list[Reply] = await asked
    await drained
    assert body(replies[0])["version"] == GRANTS + 1
    assert await total_xp(rig.another(), "u") == SUM - 1
