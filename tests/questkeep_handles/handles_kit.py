"""What every handle promises, whatever finds the hosts.  Each check gets users of a server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from questkeep_client import Problem, RecordSignal
from questkeep_handles.users import Users

Check = Callable[[Users], Awaitable[None]]


async def a_reply_is_that_of_the_api(users: Users) -> None:
    """With everything that a client gets."""
    reply = await users["h-reply"].grant_player_progression_experience(500, command_id="c")
    assert (reply["command_id"], reply["version"], reply["replayed"]) == ("c", 1, False)
    assert reply["changes"]["player_progression"]["level"] == 2
    assert [event["type"] for event in reply["events"]] == ["experience_granted", "level_reached"]


async def a_command_of_one_id_takes_effect_once(users: Users) -> None:
    """However often it is sent, also at once."""
    alice = users["h-once"]
    again = [alice.grant_player_progression_experience(7, command_id="c") for _ in range(5)]
    replies = await asyncio.gather(*again)
    assert sorted(reply["replayed"] for reply in replies) == [False, True, True, True, True]
    assert (await alice.at())["player_progression"]["total_xp"] == 7


async def a_quest_is_offered_moved_and_turned_in(users: Users) -> None:
    """The names are those of the Python client."""
    alice = users["h-quest"]
    wolf = {"kind": "defeat", "target": "wolf", "required": 2}
    await alice.offer_quest("q-1", {"currency": {"gold": 5}}, objectives=[wolf])
    await alice.record_signal("defeat", "wolf")
    await alice.send(RecordSignal("defeat", "wolf"))
    reply = await alice.turn_in_quest("q-1")
    everything = await alice.at(reply["version"])
    assert everything["version"] == 4
    assert everything["wallet"] == {"gold": 5}


async def a_refusal_is_the_clients_problem(users: Users) -> None:
    """With code, status and what may be sent next."""
    with pytest.raises(Problem) as refused:
        await users["h-refused"].turn_in_quest("none", command_id="c")
    problem = refused.value
    assert (problem.code, problem.status, problem.retry) == ("quest_not_found", 404, "new")
    assert problem.command_id == "c"
    assert (await users["h-refused"].at())["version"] == 0


async def a_wrong_field_is_named_before_anything_is_sent(users: Users) -> None:
    """As the API names it."""
    with pytest.raises(Problem) as refused:
        await users["h-wrong"].grant_player_progression_experience(-1)
    assert refused.value.code == "invalid_field"
    assert refused.value.document["errors"][0]["field"] == "amount"
    with pytest.raises(Problem, match="invalid_id"):
        await users["me"].acknowledge_level_ups()
    with pytest.raises(Problem, match="invalid_id"):
        await users["h-wrong"].turn_in_quest("q 1")


async def a_version_that_does_not_come_is_said(users: Users) -> None:
    """After two seconds."""
    with pytest.raises(Problem, match="outcome_unknown"):
        await users["h-version"].at(version=1)


CHECKS: tuple[Check, ...] = (
    a_reply_is_that_of_the_api,
    a_command_of_one_id_takes_effect_once,
    a_quest_is_offered_moved_and_turned_in,
    a_refusal_is_the_clients_problem,
    a_wrong_field_is_named_before_anything_is_sent,
    a_version_that_does_not_come_is_said,
)
