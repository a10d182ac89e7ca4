"""Loot through a host: what dropped once is what dropped, whatever dies and whatever changes."""

from typing import Any

from actors.host.host import Host
from actors.messages import Media, Read, View
from tests.actors.host_kit import RULES_TEXT, Rig, ask, body, command, look

TABLES = """
[loot.chest]
rolls = 3
drops = [{ item = "pelt", weight = 1, amount = [1, 1000] }, { item = "fang", weight = 1 }]
"""
OFFER = command("u", "offer", "offer_quest", quest_id="q", reward={"loot": {"chest": 2}})
TURN_IN = command("u", "turn-in", "turn_in_quest", quest_id="q")


def rig() -> Rig:
    return Rig(rules_text=RULES_TEXT + TABLES)


async def inventory(host: Host) -> dict[str, int]:
    (reply,) = await ask(host, look("u", View.USER))
    held: dict[str, int] = body(reply)["inventory"]
    return held


async def turned_in(host: Host) -> dict[str, Any]:
    (reply,) = await ask(host, TURN_IN)
    return body(reply)


async def test_what_dropped_stands_in_reply_rows_and_history() -> None:
    world = rig()
    await ask(world.host, OFFER)
    told = await turned_in(world.host)
    opened = [event for event in told["events"] if event["type"] == "loot_opened"]
    assert [one["opening"] for one in opened] == [1, 2]
    drops = [drop for one in opened for drop in one["drops"]]
    assert len(drops) == 6
    sums: dict[str, int] = {}
    for drop in drops:
        assert 1 <= drop["roll"] <= drop["weights"] == 2
        sums[drop["id"]] = sums.get(drop["id"], 0) + drop["amount"]
    assert told["changes"]["inventory"] == sums == await inventory(world.host)
    (entry,) = told["changes"]["history"]
    assert (entry["items"], entry["loot"]) == (sums, {"chest": 2})


async def test_a_turn_that_was_lost_is_rolled_the_same_when_it_is_asked_again() -> None:
    one, other = rig(), rig()
    await ask(one.host, OFFER)
    await ask(other.host, OFFER)
    other.faults.appends_lost = 1
    (lost,) = await ask(other.host, TURN_IN)
    assert lost.code == "outcome_unknown"
    again = command("u", "by-another-id", "turn_in_quest", quest_id="q")
    (reply,) = await ask(other.another(), again)
    assert (
        body(reply)["changes"]["inventory"] == (await turned_in(one.host))["changes"]["inventory"]
    )


async def test_under_other_tables_the_past_stays_and_a_retry_repeats_it() -> None:
    world = rig()
    await ask(world.host, OFFER)
    first = await turned_in(world.host)
    world.settings = Rig(rules_text=RULES_TEXT + TABLES.replace("1000", "7")).settings
    after = world.another()
    assert await turned_in(after) == {**first, "replayed": True}
    assert await inventory(after) == first["changes"]["inventory"]


async def test_an_undo_takes_back_what_dropped() -> None:
    world = rig()
    await ask(world.host, OFFER)
    dropped = (await turned_in(world.host))["changes"]["inventory"]
    (reply,) = await ask(world.host, command("u", "undo", "undo_grant", undo_command_id="turn-in"))
    (event,) = body(reply)["events"]
    assert event["taken"] == {"items": dropped}
    assert await inventory(world.host) == {}
    (reply,) = await world.host.ask([Read("u", View.HISTORY, "", Media.JSON, 0, 10)])
    assert [one.get("items") for one in body(reply)["history"]] == [
        dropped,
        {name: -amount for name, amount in dropped.items()},
    ]
