"""Users asleep: small, whole, and nobody can tell from outside that they slept."""

import asyncio
from collections.abc import Iterator

import pytest

from actors.host import eviction
from actors.host.eviction import hibernate_quiet, passivate_idle, passivate_longest_idle
from actors.host.host import Host
from actors.messages import Ask, Media, Read, ReadChanges, Reply, View
from domain.state.history import HISTORY_PAGE, HISTORY_TAIL
from domain.state.position import Position
from tests.actors.host_kit import Rig, ask, body, command, grant, look, total_xp
from tests.crash.scenarios_kit import at_rest

HOSTILE = {"hostile_id": "rat", "tier": "minion", "level": 1}


async def sleep(host: Host) -> None:
    """Everybody who may falls asleep now."""
    await hibernate_quiet(host.activations, quiet_seconds=0)


def life() -> Iterator[Ask | Read]:
    """Everything one user can do, some of it twice, and every look at it."""
    offer = {"reward": {"experience": 300, "items": {"key": 1}, "affinity": {"ada": 2}}}
    plan = {
        "chapter_id": "ch",
        "chapter_index": 1,
        "total_chapters": 2,
        "entry_pseudo_level_millis": 1000,
        "exit_pseudo_level_millis": 3000,
        "entry_level": 1,
        "exit_level": 3,
        "planned_total_xp": 1300,
        "planned_quest_xp": 800,
        "planned_hostile_xp": 500,
        "expected_hostile_defeat_count": 4,
        "pace_band": "steady",
    }
    errand = {"kind": "collect", "target": "herb", "required": 2}
    commands = [
        command("u", "c1", "upsert_chapter_progression", **plan),
        command("u", "c2", "offer_quest", quest_id="q", chapter_id="ch", **offer),
        command("u", "c3", "offer_quest", quest_id="e", objectives=[errand], **offer),
        command("u", "c4", "record_signal", kind="collect", target="herb", count=1),
        command("u", "c5", "turn_in_quest", quest_id="e"),
        command("u", "c6", "record_signal", kind="collect", target="herb", count=1),
        command("u", "c7", "turn_in_quest", quest_id="e"),
        command("u", "c8", "turn_in_quest", quest_id="q"),
        command("u", "c8", "turn_in_quest", quest_id="q"),
        command("u", "c9", "turn_in_quest", quest_id="q"),
        command("u", "c8", "acknowledge_level_ups"),
        command("u", "b1", "start_battle", battle_id="b", chapter_id="ch", hostile=HOSTILE),
        *(
            command("u", f"hit-{n}", "resolve_combat_action", battle_id="b", action="attack")
            for n in range(6)
        ),
        command("u", "c10", "undo_grant", undo_command_id="c8"),
        command("u", "c11", "undo_grant", undo_command_id="c8"),
        *(grant("u", f"g{n}", n + 1) for n in range(HISTORY_TAIL + HISTORY_PAGE)),
        command("u", "c12", "acknowledge_level_ups"),
    ]
    for number, one in enumerate(commands):
        yield one
        if number % 7 == 0 or number > len(commands) - 3:
            yield from (look("u", view, key) for view, key in LOOKS)
            yield Read("u", View.HISTORY, "", Media.MSGPACK, 3, 20)


LOOKS = (
    (View.USER, ""),
    (View.PROGRESSION, ""),
    (View.CHAPTERS, ""),
    (View.CHAPTER, "ch"),
    (View.QUESTS, ""),
    (View.BATTLE, "b"),
    (View.HISTORY, ""),
    (View.COMMAND, "c8"),
    (View.COMMAND, "g1"),
)


async def test_a_user_who_sleeps_between_all_messages_answers_like_one_who_never_does() -> None:
    awake, drowsy = Rig(), Rig()
    fell_asleep = 0
    for request in life():
        expected = await ask(awake.host, request)
        await sleep(drowsy.host)
        fell_asleep += len(drowsy.host.activations.hibernated)
        assert await ask(drowsy.host, request) == expected, request
    assert fell_asleep > 100
    await awake.host.drain()
    await sleep(drowsy.host)
    await drowsy.host.drain()
    assert drowsy.world.snapshots["u"] == awake.world.snapshots["u"]


async def test_a_user_who_is_packed_between_all_messages_answers_like_one_who_never_is() -> None:
    loose, packed = Rig(), Rig()
    for request in life():
        expected = await ask(loose.host, request)
        await hibernate_quiet(packed.host.activations, pack_seconds=0)
        assert await ask(packed.host, request) == expected, request
    actor = packed.host.activations.awake["u"].actor
    assert actor is not None
    assert actor.durable.history._blocks
    await loose.host.drain()
    await packed.host.drain()
    assert packed.world.snapshots["u"] == loose.world.snapshots["u"]


async def test_nobody_is_packed_while_something_is_under_way() -> None:
    rig = Rig()
    await ask(rig.host, *(grant("u", f"c{number}") for number in range(40)))
    users, activation = rig.host.activations, rig.host.activations.awake["u"]
    activation.busy = True
    assert not users.pack(activation)
    activation.busy = False
    assert users.pack(activation)
    assert not users.pack(activation)  # until something changes


async def test_others_have_their_turns_while_many_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(eviction, "LOOKED_AT_ONCE", 1)
    rig = Rig()
    await ask(rig.host, *(grant(f"u{number}", "c") for number in range(50)))
    await hibernate_quiet(rig.host.activations, pack_seconds=0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    await hibernate_quiet(rig.host.activations, pack_seconds=0)  # all are packed already
    running.cancel()
    assert turns >= 49


async def test_a_user_wakes_without_a_look_at_the_store() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c"))
    await sleep(rig.host)
    rig.faults.reads = 100
    assert await total_xp(rig.host, "u") == 10
    assert rig.faults.reads == 100
    users = rig.host.activations
    assert (users.activated, users.users, len(users.hibernated)) == (1, 1, 0)


async def test_a_user_takes_a_sixth_of_their_snapshot() -> None:
    rig = Rig()
    for user in ("u", "v"):
        await ask(rig.host, *(grant(user, f"{user}-{n}", n) for n in range(1, 130)))
    awake = rig.host.activations.awake["v"].actor
    assert awake is not None
    size = len(b"".join(awake.snapshot()))
    await sleep(rig.host)
    *_, hibernated = rig.host.activations.hibernated
    assert (hibernated.user_id, hibernated.version) == ("v", 129)
    assert len(hibernated.body) + len(hibernated.fingerprints) < size / 6


async def test_only_the_quiet_fall_asleep() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c"))
    await hibernate_quiet(rig.host.activations, quiet_seconds=60)
    assert len(rig.host.activations.hibernated) == 0
    await sleep(rig.host)
    assert len(rig.host.activations.hibernated) == 1


async def test_a_read_wakes_a_user_and_delays_no_passivation() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c"))
    last_command = rig.host.activations.awake["u"].last_command
    await sleep(rig.host)
    await ask(rig.host, look("u"))
    assert rig.host.activations.awake["u"].last_command == last_command
    assert rig.host.activations.awake["u"].awake_since > last_command


async def test_a_user_who_is_being_read_from_the_store_does_not_fall_asleep() -> None:
    rig = Rig()
    asked = asyncio.create_task(ask(rig.host, grant("u", "c")))
    await asyncio.sleep(0)
    assert rig.host.activations.awake["u"].busy
    await sleep(rig.host)
    assert len(rig.host.activations.hibernated) == 0
    assert body((await asked)[0])["version"] == 1


async def test_whoever_sleeps_leaves_when_idle_and_comes_back_whole() -> None:
    rig = Rig()
    (first,) = await ask(rig.host, grant("u", "c"))
    await sleep(rig.host)
    await passivate_idle(rig.host.activations, idle_seconds=0)
    assert (rig.host.activations.users, rig.host.activations.passivated) == (0, 1)
    assert rig.world.snapshots["u"].version == 1
    (again,) = await ask(rig.host, grant("u", "c"))
    assert body(again) == {**body(first), "replayed": True}


async def test_a_user_whose_snapshot_stands_leaves_without_another() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c"))
    await passivate_idle(rig.host.activations, idle_seconds=0)
    await ask(rig.host, look("u"))
    await sleep(rig.host)
    rig.faults.snapshot_writes = 1
    await passivate_idle(rig.host.activations, idle_seconds=0)
    assert (rig.host.activations.users, rig.faults.snapshot_writes) == (0, 1)


async def test_users_leave_first_when_a_host_is_full_or_short_of_memory() -> None:
    rig = Rig(users_max=3)
    await ask(rig.host, grant("u", "c"))
    await sleep(rig.host)
    await ask(rig.host, grant("v", "c"), grant("w", "c"))
    replies = await ask(rig.host, grant("x", "c"))
    assert [reply.code for reply in replies] == [""]
    assert set(rig.host.activations.awake) == {"v", "w", "x"}
    await sleep(rig.host)
    await passivate_longest_idle(rig.host.activations)
    assert [one.user_id for one in rig.host.activations.hibernated] == ["w", "x"]
    assert await total_xp(rig.host, "u") == 10


async def test_a_message_to_a_user_on_the_way_out_is_answered() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    await sleep(rig.host)
    rig.faults.before_snapshot_write = asyncio.Event()
    leaving = asyncio.create_task(passivate_idle(rig.host.activations, idle_seconds=0))
    await asyncio.sleep(0)
    asked = asyncio.create_task(ask(rig.host, grant("u", "c2")))
    await asyncio.sleep(0)
    rig.faults.before_snapshot_write.set()
    await leaving
    assert body((await asked)[0])["version"] == 2


async def test_changes_before_and_after_a_sleep_count_together_towards_a_snapshot() -> None:
    rig = Rig(snapshot_every=4)
    for number in range(4):
        await ask(rig.host, grant("u", f"c{number}"))
        await sleep(rig.host)
    await at_rest(rig.host)
    assert rig.world.snapshots["u"].version == 4


async def test_a_lost_journal_takes_the_users_with_it_and_the_store_has_the_truth() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1"))
    await sleep(rig.host)
    rig.faults.appends_lost = 1
    await ask(rig.host, grant("v", "c1"))
    assert rig.host.activations.users == 0
    assert body((await ask(rig.host, grant("u", "c2")))[0])["version"] == 2


async def test_rules_that_change_while_a_user_sleeps_count_when_they_wake() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c", 350))
    await sleep(rig.host)
    rig.host.rules.change(rig.settings.rules_text.replace("xp_to_next = [", "xp_to_next = [7, ", 1))
    (reply,) = await ask(rig.host, command("u", "d", "rebase_progression"))
    assert body(reply)["changes"]["player_progression"]["level"] == 2


async def test_users_of_every_size_wake_as_they_fell_asleep() -> None:
    rig = Rig()
    replies: dict[str, Reply] = {}
    for number in range(24):
        user = f"u{number}"
        size = (number * 37) % 130 + 1  # small after large, large after small: new dictionaries
        *_, replies[user] = await ask(rig.host, *(grant(user, f"c{n}") for n in range(size)))
        await sleep(rig.host)
    for user, last in replies.items():
        command_id = body(last)["command_id"]
        (receipt,) = await ask(rig.host, look(user, View.COMMAND, command_id))
        assert body(receipt) == {**body(last), "replayed": True}


async def test_whoever_reads_what_was_missed_wakes_nobody() -> None:
    """However often, and whether it is changes or everything."""
    awake, asleep = Rig(), Rig()
    for rig in (awake, asleep):
        await ask(rig.host, *(grant("u", f"c{number}") for number in range(3)))
    await sleep(asleep.host)
    for after in (None, Position("e", 1), Position("e", 3), Position("e", 9), Position("x", 1)):
        for media in Media:
            read = ReadChanges("u", after, media)
            assert await asleep.host.ask([read]) == await awake.host.ask([read])
    assert (len(asleep.host.activations.awake), len(asleep.host.activations.hibernated)) == (0, 1)
    assert await total_xp(asleep.host, "u") == 30
