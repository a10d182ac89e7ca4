"""Deaths that need an exact order of events: hosts in this process, over a store in memory.

Each scenario fails by an assertion when a promise is broken; `test_host_mutants` runs them on hosts
that break it.

Not for: real deaths (`tests.torture`).
"""

import asyncio

from actors.host.eviction import hibernate_quiet, passivate_idle
from actors.host.host import Host
from persistence.memory import Faults
from tests.actors.host_kit import Rig, ask, body, grant, look, total_xp


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


async def snapshot_now(host: Host, user_id: str) -> None:
    """Write the snapshot of a user who is awake."""
    actor = host.activations.awake[user_id].actor
    assert actor is not None
    await host.journal.snapshots.write(actor)


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
    await snapshot_now(stale, "u")
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
    await at_rest(rig.host)
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
    await snapshot_now(rig.host, "u")
    successor = rig.another("h", Faults())
    for number in range(3):
        (again,) = await ask(successor, grant("u", f"durable-{number}"))
        assert body(again)["replayed"]
    assert await total_xp(successor, "u") == 30
    rig.faults.before_append.set()
    assert {reply.code for reply in await waiting} == {"outcome_unknown"}


async def a_user_with_a_turn_on_its_way_stays_awake() -> None:
    """A user would fall asleep while a batch of theirs is being appended; more turns follow."""
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    rig.faults.before_append = asyncio.Event()
    second = asyncio.create_task(ask(rig.host, grant("u", "c2")))
    await asyncio.sleep(0)
    await hibernate_quiet(rig.host.activations, quiet_seconds=0)
    third = asyncio.create_task(ask(rig.host, grant("u", "c3")))
    await asyncio.sleep(0)
    rig.faults.before_append.set()
    assert [body((await one)[0])["version"] for one in (second, third)] == [2, 3]
    assert await total_xp(rig.another("h", Faults()), "u") == 30


async def a_hibernated_user_whose_snapshot_fails_stays() -> None:
    """The store refuses the snapshot of a hibernated user who is evicted; the journal has the turn,
    but nobody reads it while its host lives."""
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    await hibernate_quiet(rig.host.activations, quiet_seconds=0)
    rig.faults.snapshot_writes = 1
    await passivate_idle(rig.host.activations, idle_seconds=0)
    assert await total_xp(rig.host, "u") == 10
    (again,) = await ask(rig.host, grant("u", "c1"))
    assert body(again)["replayed"]


async def a_checkpoint_covers_those_who_sleep() -> None:
    """The journal's part with a turn of a hibernated user only is dropped; then the host dies."""
    rig = Rig(checkpoint_bytes=1_000)
    await ask(rig.host, grant("u", "c1"))
    await hibernate_quiet(rig.host.activations, quiet_seconds=0)
    while rig.world.snapshots.get("u") is None and await _turns("v", rig.host) < 20:
        await at_rest(rig.host)
    assert await total_xp(rig.another("h", Faults()), "u") == 10


async def a_checkpoint_cuts_off_only_what_snapshots_hold() -> None:
    """The host dies in the middle of a checkpoint, with some users written and others not."""
    rig = Rig(checkpoint_bytes=4_000)
    for number in range(60):
        await ask(rig.host, grant(f"u{number % 6}", f"c{number}"))
        await at_rest(rig.host)
    assert rig.world.snapshots.keys() > {"u0", "u5"}
    successor = rig.another()
    for user in range(6):
        assert await total_xp(successor, f"u{user}") == 100


async def a_turn_that_becomes_durable_while_its_user_is_written_is_covered_by_the_next() -> None:
    """The snapshot of the first turn is on its way while the second is answered."""
    rig = Rig(checkpoint_bytes=1)
    rig.faults.before_snapshot_write = asyncio.Event()
    await ask(rig.host, grant("u", "c1"))
    await asyncio.sleep(0)
    await ask(rig.host, grant("u", "c2"))
    rig.faults.before_snapshot_write.set()
    await at_rest(rig.host)
    assert await total_xp(rig.another("h", Faults()), "u") == 20


async def a_user_who_slept_while_the_host_opened_is_read_anew() -> None:
    """Another incarnation came, wrote and went while they slept, before this one's first change."""
    rig = Rig()
    assert await total_xp(rig.host, "u") == 0
    await hibernate_quiet(rig.host.activations, quiet_seconds=0)
    other = rig.another()
    await ask(other, grant("u", "c1"))
    await other.drain()
    await ask(rig.host, grant("v", "c1"))
    (reply,) = await ask(rig.host, grant("u", "c2"))
    assert body(reply)["version"] == 2


async def _turns(user_id: str, host: Host) -> int:
    """One more turn of this user; how many there were."""
    (seen,) = await ask(host, look(user_id))
    version: int = body(seen)["version"]
    await ask(host, grant(user_id, f"more-{version}"))
    return version


async def at_rest(host: Host) -> None:
    """Return once the host does nothing on its own any more."""
    await host.tasks.wait_idle()


SCENARIOS = (
    a_user_read_long_ago_is_read_anew_before_they_are_changed,
    a_stale_host_s_late_snapshot_costs_its_successor_nothing,
    a_checkpoint_whose_snapshot_fails_keeps_the_journal,
    a_crash_with_turns_on_their_way_costs_no_receipt_of_earlier_ones,
    a_user_with_a_turn_on_its_way_stays_awake,
    a_hibernated_user_whose_snapshot_fails_stays,
    a_checkpoint_covers_those_who_sleep,
    a_checkpoint_cuts_off_only_what_snapshots_hold,
    a_turn_that_becomes_durable_while_its_user_is_written_is_covered_by_the_next,
    a_user_who_slept_while_the_host_opened_is_read_anew,
)
