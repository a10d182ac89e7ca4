"""Lists of one user's rows: pages, filters, and what is left out of the whole."""

from typing import Any

import pytest

from tests.gateway.gateway_kit import PLAYER, Gateway

QUESTS = [f"q-{number}" for number in range(7)]


def offer(quest: str) -> dict[str, Any]:
    kind = {"objectives": [{"kind": "k", "target": "t", "required": 1}]} if quest == "q-1" else {}
    return {
        "command_id": f"offer-{quest}",
        "type": "offer_quest",
        "quest_id": quest,
        "reward": {},
        **kind,
    }


def do(quest: str, command_type: str) -> dict[str, Any]:
    return {"command_id": f"{command_type}-{quest}", "type": command_type, "quest_id": quest}


def battle(battle_id: str) -> dict[str, Any]:
    hostile = {"hostile_id": "wolf"}
    return {
        "command_id": f"start-{battle_id}",
        "type": "start_battle",
        "battle_id": battle_id,
        "hostile": hostile,
    }


@pytest.fixture
async def played(gateway: Gateway) -> Gateway:
    """Seven quests: `q-1` active, `q-3` turned in, `q-5` abandoned, the others ready; two battles,
    the first of them escaped."""
    escape = {"command_id": "e", "type": "resolve_combat_action", "battle_id": "b-0"}
    outcomes = await gateway.send(
        [
            *map(offer, QUESTS),
            do("q-3", "turn_in_quest"),
            do("q-5", "abandon_quest"),
            battle("b-0"),
            battle("b-1"),
            {**escape, "action": "escape"},
        ]
    )
    assert not [outcome for outcome in outcomes.json if "code" in outcome]
    return gateway


async def ids(gateway: Gateway, path: str, query: str = "") -> tuple[list[str], str | None]:
    """The ids of a list's rows, and `next_after`."""
    answer = (await gateway.get(f"/v1/users/alice/{path}", query=query.encode())).json
    rows = answer["quest_record"] if path == "quests" else answer["battle_state"]
    return [row[f"{path[:-1]}_id"] for row in rows], answer.get("next_after")


FILTERS = [
    ("quests", "", QUESTS),
    ("quests", "status=active", ["q-1"]),
    ("quests", "status=active,turned_in", ["q-1", "q-3"]),
    ("quests", "status=active%2Cabandoned", ["q-1", "q-5"]),
    ("quests", "status=ready_to_turn_in", ["q-0", "q-2", "q-4", "q-6"]),
    ("quests", "after=q-4", ["q-5", "q-6"]),
    ("quests", "after=q-4&status=ready_to_turn_in", ["q-6"]),
    ("quests", "after=q-6", []),
    ("battles", "", ["b-0", "b-1"]),
    ("battles", "outcome=ongoing", ["b-1"]),
    ("battles", "outcome=escaped,victory", ["b-0"]),
]


@pytest.mark.parametrize(("path", "query", "expected"), FILTERS)
async def test_a_list_has_the_rows_that_were_asked_for_in_order_of_creation(
    played: Gateway, path: str, query: str, expected: list[str]
) -> None:
    assert await ids(played, path, query) == (expected, None)


@pytest.mark.parametrize("limit", range(1, 9))
@pytest.mark.parametrize("status", ["", "&status=ready_to_turn_in", "&status=turned_in"])
async def test_the_pages_of_a_list_are_the_whole_list(
    played: Gateway, limit: int, status: str
) -> None:
    whole, _ = await ids(played, "quests", status.removeprefix("&"))
    gathered: list[str] = []
    after: str | None = ""
    while after is not None:
        begin = f"&after={after}" if after else ""
        page, after = await ids(played, "quests", f"limit={limit}{status}{begin}")
        assert len(page) == limit or after is None
        assert after is None or after == page[-1]
        gathered += page
    assert gathered == whole


async def test_chapters_have_pages_and_the_story_is_rated_as_a_whole(gateway: Gateway) -> None:
    chapters = [{"chapter_id": f"c-{number}", "quests": 1} for number in range(3)]
    await gateway.send({"command_id": "c", "type": "compile_chapters", "chapters": chapters})
    whole = (await gateway.get("/v1/users/alice/chapters")).json
    page = (await gateway.get("/v1/users/alice/chapters", query=b"after=c-0&limit=1")).json
    assert page["chapter_progression"] == whole["chapter_progression"][1:2]
    assert page["next_after"] == "c-1"
    assert page["story_deviation"] == whole["story_deviation"]


WRONG = [
    ("quests", "status=happy", "status", "some of active, ready_to_turn_in, turned_in"),
    ("quests", "status=", "status", "some of active"),
    ("quests", "status=active,,abandoned", "status", "some of active"),
    ("quests", "status=active&limit=0", "limit", "a whole number from 1 to 1000"),
    ("quests", "after=a%20b", "after", "an id"),
    ("quests", "outcome=ongoing", "outcome", "only after, limit, min_version and status"),
    ("battles", "outcome=won", "outcome", "some of ongoing, victory"),
    ("chapters", "status=active", "status", "only after, limit and min_version"),
    ("", "settled=some", "settled", "one of all, none"),
    ("", "limit=5", "limit", "only settled and min_version"),
]


@pytest.mark.parametrize(("path", "query", "field", "expected"), WRONG)
async def test_a_wrong_query_is_refused_by_name(
    gateway: Gateway, path: str, query: str, field: str, expected: str
) -> None:
    at = f"/v1/users/alice/{path}".rstrip("/")
    answer = await gateway.get(at, query=query.encode())
    assert (answer.status, answer.code) == (422, "invalid_field")
    [error] = answer.json["errors"]
    assert error["field"] == field
    assert error["expected"].startswith(expected)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("quests", "quest_not_found"),
        ("battles", "battle_not_found"),
        ("chapters", "chapter_not_found"),
    ],
)
async def test_a_page_after_a_row_that_is_not_there_is_refused(
    gateway: Gateway, path: str, code: str
) -> None:
    answer = await gateway.get(f"/v1/users/alice/{path}", query=b"after=never")
    assert (answer.status, answer.code) == (404, code)


async def test_what_is_over_can_be_left_out_of_the_whole_and_is_counted(played: Gateway) -> None:
    whole = (await played.get("/v1/users/me", bearer=PLAYER)).json
    assert (await played.get("/v1/users/alice", query=b"settled=all")).json == whole
    assert "left_out" not in whole
    brief = (await played.get("/v1/users/alice", query=b"settled=none")).json
    assert brief.pop("left_out") == {"quests": 2, "battles": 1}
    kept = [row for row in whole["quest_record"] if row["quest_id"] not in ("q-3", "q-5")]
    assert brief == {**whole, "quest_record": kept, "battle_state": whole["battle_state"][1:]}


async def test_an_item_is_the_row_of_its_list(played: Gateway) -> None:
    listed = (await played.get("/v1/users/alice/quests")).json["quest_record"]
    for row in listed:
        item = await played.get(f"/v1/users/alice/quests/{row['quest_id']}")
        assert item.json["quest_record"] == row
