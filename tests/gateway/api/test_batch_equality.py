"""A batch is what the same commands are that are sent one by one, whatever stands in it."""

import asyncio
import json
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.commands import endpoints, execution
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import SERVICE, Gateway

Fields = dict[str, Any]

ids = st.sampled_from(["c1", "c2", "c3", "c4", "c5"])
quests = st.sampled_from(["q1", "q2"])
commands = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("grant_player_progression_experience"),
            "command_id": ids,
            "amount": st.sampled_from([0, 5, 500, -1, "5", 2**53]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("offer_quest"),
            "command_id": ids,
            "quest_id": quests,
            "reward": st.sampled_from([{"experience": 120}, {"items": {"a b": 1}}, {}, None]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["turn_in_quest", "abandon_quest"]),
            "command_id": ids,
            "quest_id": quests,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("undo_grant"), "command_id": ids, "undo_command_id": ids}
    ),
    st.fixed_dictionaries({"type": st.sampled_from(["no_such", "compile_chapters", 5])}),
)
batches = st.lists(st.tuples(st.sampled_from(["alice", "bob", "carol"]), commands), max_size=12)


def timeless(value: Any) -> Any:
    """Without the times at which something happened."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name.split("_")[-1] != "at"}
    return [timeless(each) for each in value] if isinstance(value, list) else value


async def in_a_batch(gateway: Gateway, sent: list[tuple[str, Fields]], media: str) -> list[Any]:
    """The outcomes, without whose they are."""
    body = [{**command, "user_id": user_id} for user_id, command in sent]
    headers = [("content-type", f"application/{media}"), ("accept", f"application/{media}")]
    content = json.dumps(body).encode() if media == "json" else msgpack.packb(body)
    answer = await gateway.request("POST", "/v1/commands", headers=headers, body=content)
    assert answer.status == 200
    outcomes = answer.json if media == "json" else answer.msgpack
    assert [outcome.pop("user_id") for outcome in outcomes] == [user_id for user_id, _ in sent]
    return list(timeless(outcomes))


async def one_by_one(gateway: Gateway, sent: list[tuple[str, Fields]]) -> list[Any]:
    answers = [await gateway.send(command, user_id, SERVICE) for user_id, command in sent]
    return [timeless(answer.json) for answer in answers]


async def in_lists(gateway: Gateway, sent: list[tuple[str, Fields]]) -> list[Any]:
    """The outcomes of each user's commands in a list of its own, in the places of `sent`."""
    outcomes: dict[str, list[Any]] = {}
    for user_id in {user_id for user_id, _ in sent}:
        own = [command for named, command in sent if named == user_id]
        outcomes[user_id] = (await gateway.send(own, user_id)).json
    return [timeless(outcomes[user_id].pop(0)) for user_id, _ in sent]


async def check(sent: list[tuple[str, Fields]]) -> None:
    expected = await one_by_one(gateway_kit.gateway(), sent)
    assert await in_a_batch(gateway_kit.gateway(), sent, "json") == expected
    assert await in_a_batch(gateway_kit.gateway(), sent, "msgpack") == expected
    assert await in_lists(gateway_kit.gateway(), sent) == expected


@settings(deadline=None, max_examples=30)
@given(batches)
def test_a_batch_is_what_its_commands_are_one_by_one(sent: list[tuple[str, Fields]]) -> None:
    asyncio.run(check(sent))


def test_a_batch_whose_users_are_asked_out_of_order_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def backwards(users: Any, entries: Any) -> list[Any]:
        return (await execution.execute(users, entries[::-1]))[::-1]

    offer = {"type": "offer_quest", "command_id": "c1", "quest_id": "q1", "reward": {}}
    turn_in = {"type": "turn_in_quest", "command_id": "c2", "quest_id": "q1"}
    asyncio.run(check([("alice", offer), ("alice", turn_in)]))
    monkeypatch.setattr(endpoints, "execute", backwards)
    with pytest.raises(AssertionError):
        asyncio.run(check([("alice", offer), ("alice", turn_in)]))
