"""Deaths that need an exact order of events: hosts in this process, over a store in memory.

Each scenario fails by an assertion when a promise is broken; `test_host_teeth` runs them on hosts
that break it.

Not for: real deaths (`tests.torture`).
"""

import asyncio

from actors.host import Host
from persistence.memory import Faults
from tests.actors.kit import Rig, ask, body, grant, total_xp


async def a_user_read_long_ago_is_read_anew_before_they_are_changed() -> None:
    """Another incarnation came, wrote and went between a host's first read and its first write."""
    rig = Rig()
    assert await total_xp(rig.host, "u") == 0
    other = rig.another()
    await ask(other, grant("u", "c1"))
    await other.drain()
    (reply,) = await ask(rig.host, grant("u", "c2"))
    assert body(reply)["version"] == 2
    assert await total_xp(rig.another(), "u") == 20


async def a_stale_host_s_late_snapshot_costs_its_successor_nothing() -> None:
    """Its snapshot is due while its append is on its way, and a successor wrote meanwhile."""
    rig = Rig()
    faults = Faults()
    stale = rig.another("h", faults)
    await ask(stale, grant("u", "c1"))
    faults.before_append = asyncio.Event()
    waiting = asyncio.create_task(ask(stale, grant("u", "c2", 90)))
    await asyncio.sleep(0)
    successor = rig.another()
    await ask(successor, grant("u", "c3", 500))
    await stale._snapshot(stale.residents["u"])
    faults.before_append.set()
    (reply,) = await waiting
    assert reply.code == "outcome_unknown"
    third = rig.another()
    assert await total_xp(third, "u") == 510
    (again,) = await ask(third, grant("u", "c3", 500))
    assert body(again)["replayed"]


async def a_checkpoint_whose_snapshot_fails_keeps_the_journal() -> None:
    """The store refuses snapshots while the journal is due to be dropped; then the host dies."""
    rig = Rig(checkpoint_bytes=1)
    rig.faults.snapshot_writes = 1
    await ask(rig.host, grant("u", "c1"))
    await _at_rest(rig.host)
    rig.faults.snapshot_writes = 0
    successor = rig.another()
    assert await total_xp(successor, "u") == 10
    (again,) = await ask(successor, grant("u", "c1"))
    assert body(again)["replayed"]


async def a_crash_with_turns_on_their_way_costs_no_receipt_of_earlier_ones() -> None:
    """A snapshot is written while more turns are on their way than the window holds, all lost."""
    rig = Rig(receipt_window=3)
    for number in range(3):
        await ask(rig.host, grant("u", f"durable-{number}"))
    rig.faults.before_append = asyncio.Event()
    lost = [grant("u", f"lost-{number}") for number in range(5)]
    waiting = asyncio.create_task(ask(rig.host, *lost))
    await asyncio.sleep(0)
    await rig.host._snapshot(rig.host.residents["u"])
    successor = rig.another("h", Faults())
    for number in range(3):
        (again,) = await ask(successor, grant("u", f"durable-{number}"))
        assert body(again)["replayed"]
    assert await total_xp(successor, "u") == 30
    rig.faults.before_append.set()
    assert {reply.code for reply in await waiting} == {"outcome_unknown"}


async def _at_rest(host: Host) -> None:
    while host._tasks:
        await asyncio.wait(host._tasks)


SCENARIOS = (
    a_user_read_long_ago_is_read_anew_before_they_are_changed,
    a_stale_host_s_late_snapshot_costs_its_successor_nothing,
    a_checkpoint_whose_snapshot_fails_keeps_the_journal,
    a_crash_with_turns_on_their_way_costs_no_receipt_of_earlier_ones,
)
