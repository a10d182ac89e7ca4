"""A user's story through a host: signals, the history and the ratings, as readers see them."""

from typing import Any

import msgspec

from actors.messages import Ask, Media, Read, View
from tests.actors.host_kit import Rig, ask, body, command, grant, look

OFFER = command(
    "u",
    "offer",
    "offer_quest",
    quest_id="q",
    chapter_id="ch",
    objectives=[{"kind": "defeat", "target": "wolf", "required": 3}],
    reward={"experience": 50, "items": {"pelt": 1}},
)
PLAN = command(
    "u",
    "plan",
    "compile_chapters",
    chapters=[{"chapter_id": "ch", "quests": 1, "hostiles": {"standard": 3}}],
)


def battle(number: int) -> list[Ask]:
    """A battle against a wolf that falls at the first blow."""
    name = f"b{number}"
    wolf = {"hostile_id": "wolf", "strength": 1}
    return [
        command(
            "u", f"start-{name}", "start_battle", battle_id=name, chapter_id="ch", hostile=wolf
        ),
        command("u", f"hit-{name}", "resolve_combat_action", battle_id=name, action="attack"),
    ]


def history(after: int = 0, limit: int = 0, user_id: str = "u") -> Read:
    return Read(user_id, View.HISTORY, "", Media.JSON, after, limit)


async def test_a_kill_quest_is_ready_after_three_victories_and_no_other_call() -> None:
    rig = Rig()
    await ask(rig.host, PLAN, OFFER)
    replies: list[dict[str, Any]] = []
    for number in range(3):
        for reply in await ask(rig.host, *battle(number)):
            replies.append(body(reply))
    first, third = replies[1], replies[5]
    assert [one["version"] for one in replies] == list(range(3, 9))
    (active,) = first["changes"]["quest_record"]
    assert (active["status"], active["objectives"][0]["current"]) == ("active", 1)
    # One version: battle, quest, progression, ledger and history.
    assert third["changes"].keys() == {
        "battle_state", "quest_record", "player_progression", "chapter_progression", "history",
    }  # fmt: skip
    (quest,) = third["changes"]["quest_record"]
    (ledger,) = third["changes"]["chapter_progression"]
    (entry,) = third["changes"]["history"]
    assert third["changes"]["battle_state"][0]["outcome"] == "victory"
    assert (quest["status"], quest["objectives"][0]["current"]) == ("ready_to_turn_in", 3)
    assert ledger["actual_hostile_defeat_count"] == 3
    assert entry["version"] == third["version"] == 8
    assert entry["cause_id"] == "b2"
    assert [event["type"] for event in third["events"]][:4] == [
        "combat_turn_resolved", "battle_ended", "quest_progressed", "quest_ready",
    ]  # fmt: skip
    # The whole hostile budget was paid by the three defeats that the plan expected.
    assert ledger["actual_hostile_xp"] == ledger["planned_hostile_xp"]


async def test_the_history_is_read_in_pages_and_survives_a_crash_and_a_snapshot() -> None:
    rig = Rig()
    await ask(rig.host, *(grant("u", f"c{n}", n + 1) for n in range(5)))
    for host in (rig.host, rig.another()):
        (all_of_it,) = await ask(host, history())
        entries = body(all_of_it)["history"]
        assert [one["sequence"] for one in entries] == [1, 2, 3, 4, 5]
        assert [one["amount"] for one in entries] == [1, 2, 3, 4, 5]
        assert "next_after" not in body(all_of_it)
        (page,) = await ask(host, history(after=1, limit=2))
        assert [one["sequence"] for one in body(page)["history"]] == [2, 3]
        assert body(page)["next_after"] == 3
        (rest,) = await ask(host, history(after=3, limit=2))
        assert [one["sequence"] for one in body(rest)["history"]] == [4, 5]
        assert "next_after" not in body(rest)
        (end,) = await ask(host, history(after=5))
        assert body(end) == {"user_id": "u", "version": 5, "history": []}
        await ask(host, grant("u", "c0", 1))  # a retry, so that the successor opens and folds
    successor = rig.another()
    await ask(successor, grant("u", "c5"))
    await successor.drain()
    (found,) = await ask(rig.another(), history())
    assert [one["sequence"] for one in body(found)["history"]] == [1, 2, 3, 4, 5, 6]
    (new,) = await ask(rig.another(), history(user_id="nobody"))
    assert body(new) == {"user_id": "nobody", "version": 0, "history": []}


async def test_an_undo_is_one_more_entry_and_not_repeated() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1", 500))
    undo = command("u", "c2", "undo_grant", undo_command_id="c1")
    (first, again) = await ask(rig.host, undo, undo)
    assert body(again) == {**body(first), "replayed": True}
    (twice,) = await ask(rig.host, command("u", "c3", "undo_grant", undo_command_id="c1"))
    (unknown,) = await ask(rig.host, command("u", "c4", "undo_grant", undo_command_id="zz"))
    assert (twice.code, unknown.code) == ("already_undone", "grant_not_found")
    (found,) = await ask(rig.host, history())
    assert [one["amount"] for one in body(found)["history"]] == [500, -500]
    assert [one.get("undoes") for one in body(found)["history"]] == [None, 1]


async def test_chapters_are_rated_where_they_are_read() -> None:
    rig = Rig()
    await ask(rig.host, PLAN)
    (empty,) = await ask(rig.host, look("u", View.CHAPTERS))
    (row,) = body(empty)["chapter_progression"]
    assert (row["deviation"]["begun"], row["deviation"]["band"]) == (False, "far_under")
    assert body(empty)["story_deviation"]["chapters_begun"] == 0
    entry = {"granted_quest_xp": row["planned_total_xp"], "granted_hostile_xp": 0}
    await ask(
        rig.host,
        command(
            "u", "ledger", "apply_chapter_progression_ledger_entry",
            chapter_id="ch", hostile_defeat_increment=0, **entry,
        ),
    )  # fmt: skip
    (one,) = await ask(rig.host, look("u", View.CHAPTER, "ch"))
    assert body(one)["chapter_progression"]["deviation"]["band"] == "on_pace"
    assert body(one)["chapter_progression"]["chapter_id"] == "ch"
    (everything,) = await ask(rig.host, look("u", View.USER))
    assert set(body(everything)) == {
        "user_id", "version", "player_progression", "chapter_progression", "quest_record",
        "battle_state", "inventory", "wallet", "affinity",
    }  # fmt: skip


async def test_a_read_of_the_history_may_leave_its_bounds_out() -> None:
    short = msgspec.msgpack.encode(["Read", "u", "history", "", "json"])
    assert msgspec.msgpack.decode(short, type=Read) == history()
