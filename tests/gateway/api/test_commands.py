"""Commands and reads that are accepted, in JSON and msgpack, alone and in lists."""

import json
from typing import Any

import msgpack
import pytest

from domain.messages.commands import COMMAND_TYPES
from domain.rules.rules_file import RulesFile
from gateway.api.docs.examples import COMMAND_EXAMPLES
from tests.gateway.gateway_kit import PLAYER, SERVICE, Gateway

MSGPACK = [("content-type", "application/msgpack"), ("accept", "application/msgpack")]


def offer(quest: str = "q-1", experience: int = 400) -> dict[str, Any]:
    reward = {"experience": experience}
    return {
        "command_id": f"o-{quest}",
        "type": "offer_quest",
        "quest_id": quest,
        "reward": reward,
    }


def turn_in(quest: str = "q-1", command_id: str = "t-1") -> dict[str, Any]:
    return {"command_id": command_id, "type": "turn_in_quest", "quest_id": quest}


async def test_a_turned_in_quest_pays_and_the_reply_says_what_changed(gateway: Gateway) -> None:
    await gateway.send(offer())
    answer = await gateway.send(turn_in(), user="me", bearer=PLAYER)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {name: answer.json[name] for name in ("command_id", "version", "replayed")} == {
        "command_id": "t-1",
        "version": 2,
        "replayed": False,
    }
    assert answer.json["changes"]["player_progression"]["level"] == 2
    assert {"type": "level_reached", "level": 2} in answer.json["events"]


async def test_the_same_command_again_gets_the_same_reply_marked_as_replayed(
    gateway: Gateway,
) -> None:
    await gateway.send(offer())
    first = (await gateway.send(turn_in())).json
    again = (await gateway.send(turn_in())).json
    assert again == {**first, "replayed": True}


SPELLINGS: dict[str, dict[str, Any]] = {
    "its fields in another order": dict(reversed(offer().items())),
    "a default spelled out": {**offer(), "objectives": [], "chapter_id": None},
    "a default spelled out in a part": {**offer(), "reward": {"items": {}, "experience": 400}},
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("packed", [False, True], ids=["JSON", "msgpack"])
async def test_a_command_in_another_spelling_is_the_same_command(
    gateway: Gateway, spelling: dict[str, Any], packed: bool
) -> None:
    first = (await gateway.send(offer())).json
    if packed:
        again = (await gateway.send(msgpack.packb(spelling), headers=MSGPACK)).msgpack
    else:
        again = (await gateway.send(spelling)).json
    assert again == {**first, "replayed": True}
    other = await gateway.send({**spelling, "reward": {"experience": 401}})
    assert (other.status, other.code) == (409, "command_id_reused")


async def test_a_list_answers_each_command_in_its_place(gateway: Gateway) -> None:
    unknown = {"command_id": "x", "type": "make_me_rich"}
    wrong = {"command_id": "w", "type": "turn_in_quest"}
    body = [offer(), unknown, turn_in(), 5, wrong, turn_in(command_id="t-2")]
    answer = await gateway.send(body)
    assert answer.status == 200
    assert [(one.get("command_id"), one.get("code", "ok")) for one in answer.json] == [
        ("o-q-1", "ok"),
        ("x", "unknown_command"),
        ("t-1", "ok"),
        (None, "malformed_body"),
        ("w", "invalid_field"),
        ("t-2", "quest_already_turned_in"),
    ]
    assert [one.get("status", 200) for one in answer.json] == [200, 400, 200, 400, 422, 409]


async def test_a_players_list_runs_without_what_players_may_not_send(gateway: Gateway) -> None:
    await gateway.send(offer())
    answer = await gateway.send([offer("q-2"), turn_in()], bearer=PLAYER)
    assert [one.get("code", "ok") for one in answer.json] == ["not_allowed", "ok"]


async def test_a_list_of_a_hundred_is_taken_and_can_be_sent_again(gateway: Gateway) -> None:
    body = [offer(f"q-{number}") for number in range(100)]
    first, again = (await gateway.send(body)).json, (await gateway.send(body)).json
    assert [one["version"] for one in first] == list(range(1, 101))
    assert again == [{**one, "replayed": True} for one in first]


async def test_an_empty_list_answers_an_empty_list(gateway: Gateway) -> None:
    assert (await gateway.send([])).json == []
    answer = await gateway.send(msgpack.packb([]), headers=MSGPACK)
    assert answer.msgpack == []


async def test_msgpack_in_and_out_says_the_same_as_json(gateway: Gateway) -> None:
    answer = await gateway.send(msgpack.packb(offer()), headers=MSGPACK)
    assert answer.headers["content-type"] == "application/msgpack"
    assert answer.msgpack["version"] == 1
    answer = await gateway.send(msgpack.packb([offer("q-2"), turn_in()]), headers=MSGPACK)
    assert [one["version"] for one in answer.msgpack] == [2, 3]
    answer = await gateway.send(msgpack.packb({"type": "x"}), headers=MSGPACK)
    assert answer.headers["content-type"] == "application/problem+msgpack"
    assert answer.msgpack["code"] == "unknown_command"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/msgpack", "application/msgpack"),
        ("APPLICATION/MSGPACK", "application/msgpack"),
        ("application/msgpack;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, application/msgpack", "application/msgpack"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("application/msgpack;q=0", "application/json"),
        ("application/msgpack;q=cow, */*;q=0.1", "application/json"),
        ("image/png", "application/json"),
        (",;,=;q", "application/json"),
    ],
)
async def test_the_answer_is_written_as_the_client_asked(
    gateway: Gateway, accept: str | None, content_type: str
) -> None:
    headers = [("accept", accept)] if accept is not None else []
    answer = await gateway.get("/v1/users/alice", headers=headers)
    assert answer.headers["content-type"] == content_type


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "Application/JSON; charset=utf-8"]
)
async def test_a_json_body_may_say_so_or_say_nothing(
    gateway: Gateway, content_type: str | None
) -> None:
    headers = [("content-type", content_type)] if content_type is not None else []
    assert (await gateway.send(offer(), headers=headers)).status == 200


READS = {
    "/v1/users/alice": {
        "player_progression",
        "chapter_progression",
        "quest_record",
        "battle_state",
        "inventory",
        "wallet",
        "affinity",
    },
    "/v1/users/alice/progression": {"player_progression"},
    "/v1/users/alice/chapters": {"chapter_progression", "story_deviation"},
    "/v1/users/alice/chapters/chapter-1": {"chapter_progression"},
    "/v1/users/alice/quests": {"quest_record"},
    "/v1/users/alice/quests/quest-1": {"quest_record"},
    "/v1/users/alice/battles": {"battle_state"},
    "/v1/users/alice/battles/battle-1": {"battle_state"},
    "/v1/users/alice/history": {"history"},
}


@pytest.mark.parametrize("path", READS)
async def test_each_read_answers_its_rows_to_the_player_and_to_a_service(
    gateway: Gateway, path: str
) -> None:
    await gateway.send([one["value"] for one in COMMAND_EXAMPLES.values()])
    answer = await gateway.get(path)
    assert answer.status == 200
    assert set(answer.json) == {"user_id", "version"} | READS[path]
    assert answer.json["user_id"] == "alice"
    mine = await gateway.get(path.replace("alice", "me"), bearer=PLAYER)
    assert mine.content == answer.content
    packed = await gateway.get(path, headers=[("accept", "application/msgpack")])
    assert packed.msgpack == answer.json


async def test_a_receipt_tells_what_became_of_a_command(gateway: Gateway) -> None:
    reply = (await gateway.send(offer())).json
    receipt = await gateway.get("/v1/users/alice/commands/o-q-1")
    assert receipt.json == {**reply, "replayed": True}
    missing = await gateway.get("/v1/users/alice/commands/never")
    assert (missing.status, missing.code) == (404, "command_not_found")


async def test_an_unknown_user_reads_as_the_default_row_at_version_0(gateway: Gateway) -> None:
    answer = (await gateway.get("/v1/users/nobody/progression")).json
    assert (answer["version"], answer["player_progression"]["level"]) == (0, 1)


async def test_the_rules_in_force_can_be_read_with_any_token(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/rules", bearer=PLAYER)
    rules = answer.json
    assert set(rules) >= {"name", "fingerprint", "level_cap", "level_benchmarks", "tiers", "bands"}
    assert len(rules["level_benchmarks"]) == rules["level_cap"] == 60
    assert list(rules["bands"]) == ["opening_fast", "steady", "pressure", "finale_dense"]
    assert rules["bands"]["steady"] == {"quest_permille": 600, "tempo_permille": 1000}
    # Curves are shown as the figures they come to; every other section of a rules file is there.
    assert set(RulesFile.model_fields) - {"levels", "strength"} <= set(rules)
    assert rules["deviation"]["far_over_permille"] == 2000
    assert rules["penalties"]["repeat"] == {"kind": "none"}
    packed = await gateway.get("/v1/rules", headers=[("accept", "application/msgpack")])
    assert packed.msgpack == rules
    assert (await gateway.get("/v1/rules", bearer=None)).status == 401


async def test_every_example_of_the_docs_is_a_command_that_is_understood(gateway: Gateway) -> None:
    assert set(COMMAND_EXAMPLES) == COMMAND_TYPES
    examples = [one["value"] for one in COMMAND_EXAMPLES.values()]
    answers = (await gateway.send(json.dumps(examples).encode(), bearer=SERVICE)).json
    codes = {one["code"] for one in answers if "code" in one}
    assert codes <= {"quest_not_found"}  # the quest that the docs abandon was never offered
