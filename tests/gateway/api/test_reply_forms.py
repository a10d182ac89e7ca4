"""Replies in another form: without what changed, and of what would happen."""

from typing import Any

import msgpack
import pytest

from tests.gateway.gateway_kit import PLAYER, Answer, Gateway

MINIMAL = ("prefer", "return=minimal")
MSGPACK = [("content-type", "application/msgpack"), ("accept", "application/msgpack")]
OFFER = {"command_id": "o", "type": "offer_quest", "quest_id": "q", "reward": {"experience": 500}}
TURN_IN = {"command_id": "t", "type": "turn_in_quest", "quest_id": "q"}
NOTHING = {"command_id": "n", "type": "grant_player_progression_experience", "amount": 0}


async def try_out(gateway: Gateway, body: Any, **more: Any) -> Answer:
    return await gateway.send(body, query=b"dry_run=true", **more)


async def test_a_minimal_reply_has_the_version_and_whether_it_was_replayed(
    gateway: Gateway,
) -> None:
    brief = [(await gateway.send(OFFER, headers=[MINIMAL])).json for _ in range(2)]
    assert brief == [
        {"command_id": "o", "version": 1, "replayed": False},
        {"command_id": "o", "version": 1, "replayed": True},
    ]
    nothing = (await gateway.send(NOTHING, headers=[MINIMAL])).json
    assert nothing == {"command_id": "n", "version": 1, "replayed": False}


async def test_a_command_that_was_answered_in_brief_is_repeated_whole_and_the_other_way_round(
    gateway: Gateway,
) -> None:
    await gateway.send(OFFER, headers=[MINIMAL])
    whole = (await gateway.send(OFFER)).json
    assert whole["changes"]["quest_record"][0]["quest_id"] == "q"
    assert (await gateway.get("/v1/users/alice/commands/o")).json == whole


async def test_a_list_and_a_batch_are_answered_in_brief_but_for_their_problems(
    gateway: Gateway,
) -> None:
    body = [OFFER, TURN_IN, {**TURN_IN, "command_id": "u"}]
    ok, again, refused = (
        await gateway.send(msgpack.packb(body), headers=[*MSGPACK, MINIMAL])
    ).msgpack
    assert [set(ok), set(again)] == [{"command_id", "version", "replayed"}] * 2
    assert (refused["code"], refused["command_id"]) == ("quest_already_turned_in", "u")
    batch = msgpack.packb([{"user_id": "bob", **command} for command in body])
    answer = await gateway.request("POST", "/v1/commands", body=batch, headers=[*MSGPACK, MINIMAL])
    assert [outcome.get("version") for outcome in answer.msgpack] == [1, 2, None]


@pytest.mark.parametrize(
    ("prefer", "minimal"),
    [
        ("return=minimal", True),
        ("respond-async, return=minimal", True),
        ('Return="minimal"; foo=bar', True),
        ("return=representation", False),
        ("return=minimal2", False),
        ("x" * 2_000 + ",return=minimal", False),
        ("", False),
    ],
)
async def test_the_preference_is_read_as_rfc_7240_writes_it(
    gateway: Gateway, prefer: str, minimal: bool
) -> None:
    reply = (await gateway.send(OFFER, headers=[("prefer", prefer)])).json
    assert ("changes" in reply) is not minimal


async def test_a_dry_run_says_what_would_happen_and_nothing_does(gateway: Gateway) -> None:
    await gateway.send(OFFER)
    before = (await gateway.get("/v1/users/alice")).content
    tried = (await try_out(gateway, TURN_IN)).json
    assert (await gateway.get("/v1/users/alice")).content == before
    assert (await gateway.get("/v1/users/alice/commands/t")).code == "command_not_found"
    done = (await gateway.send(TURN_IN)).json
    assert tried["version"] == 1
    assert tried["replayed"] is False
    assert done["version"] == 2
    assert untimed(tried) == untimed(done)


def untimed(reply: dict[str, Any]) -> dict[str, Any]:
    """What a reply says, without the moment and the version."""
    row = {**reply["changes"]["player_progression"], "created_at": 0, "updated_at": 0}
    quests = [{**quest, "updated_at": 0} for quest in reply["changes"]["quest_record"]]
    history = [{**entry, "at": 0, "version": 0} for entry in reply["changes"]["history"]]
    changes = {"player_progression": row, "quest_record": quests, "history": history}
    return {**reply, "version": 0, "changes": changes}


async def test_a_dry_run_is_refused_like_the_command_itself(gateway: Gateway) -> None:
    assert (await try_out(gateway, TURN_IN)).code == "quest_not_found"
    assert (await try_out(gateway, {**TURN_IN, "more": 1})).code == "invalid_field"
    assert (await try_out(gateway, OFFER, bearer=PLAYER)).code == "not_allowed"


async def test_commands_of_a_dry_run_are_judged_each_by_itself(gateway: Gateway) -> None:
    offered, not_yet = (await try_out(gateway, [OFFER, TURN_IN])).json
    assert offered["version"] == 0
    assert not_yet["code"] == "quest_not_found"


async def test_a_dry_run_of_a_command_that_was_carried_out_is_its_first_reply(
    gateway: Gateway,
) -> None:
    first = (await gateway.send(OFFER)).json
    assert (await try_out(gateway, OFFER)).json == {**first, "replayed": True}
    another = {**OFFER, "command_id": "p", "quest_id": "r"}
    brief = await try_out(gateway, another, headers=[MINIMAL])
    assert brief.json == {"command_id": "p", "version": 1, "replayed": False}


async def test_dry_runs_are_not_counted_as_commands(gateway: Gateway) -> None:
    await try_out(gateway, OFFER)
    assert gateway.app.metrics.snapshot().commands == {}


@pytest.mark.parametrize("query", [b"dry_run=yes", b"dry_run", b"dry_run=1", b"dryrun=true"])
async def test_a_query_that_is_not_understood_changes_nothing(
    gateway: Gateway, query: bytes
) -> None:
    answer = await gateway.send(OFFER, query=query)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert (await gateway.get("/v1/users/alice")).json["version"] == 0
