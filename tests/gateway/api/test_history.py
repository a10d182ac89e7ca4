"""`GET …/history`: the history in pages, and what its query may say."""

import pytest

from tests.gateway.gateway_kit import PLAYER, Gateway

PATH = "/v1/users/alice/history"


async def granted(gateway: Gateway, count: int) -> None:
    grant = {"type": "grant_player_progression_experience", "amount": 5}
    await gateway.send([{**grant, "command_id": f"k{n}"} for n in range(count)])


async def test_pages_follow_each_other_until_the_history_is_complete(gateway: Gateway) -> None:
    await granted(gateway, 5)
    told: list[int] = []
    after = 0
    while after is not None:
        page = await gateway.get(PATH, bearer=PLAYER, query=b"limit=2&after=%d" % after)
        assert page.status == 200
        told += [entry["sequence"] for entry in page.json["history"]]
        after = page.json.get("next_after")
    assert told == [1, 2, 3, 4, 5]


async def test_an_entry_says_what_was_granted_and_why(gateway: Gateway) -> None:
    await granted(gateway, 1)
    (entry,) = (await gateway.get(PATH)).json["history"]
    rules = (await gateway.get("/v1/rules")).json
    assert entry.pop("at") > 0
    assert entry == {
        "sequence": 1, "version": 1, "command_id": "k0", "source": "service", "cause": "grant",
        "cause_id": "k0", "planned": 5, "amount": 5, "level_before": 1, "level_after": 1,
        "rules": rules["fingerprint"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        (b"after=-1", "after", "a whole number from 0 to 9007199254740991"),
        (b"after=", "after", "a whole number"),
        (b"after=1.5", "after", "a whole number"),
        (b"after=9999999999999999999999", "after", "a whole number"),
        (b"after=%D9%A1", "after", "a whole number"),
        (b"limit=0", "limit", "a whole number from 1 to 1000"),
        (b"limit=1001", "limit", "a whole number from 1 to 1000"),
        (b"offset=3", "offset", "only after, limit and min_version"),
        (b"after=%FF", "after", "a whole number"),
    ],
)
async def test_a_wrong_query_is_refused_by_name(
    gateway: Gateway, query: bytes, field: str, expected: str
) -> None:
    answer = await gateway.get(PATH, query=query)
    assert (answer.status, answer.code) == (422, "invalid_field")
    (error,) = answer.json["errors"]
    assert error["field"] == field
    assert error["expected"].startswith(expected)


async def test_quests_of_a_blueprint_are_a_number_or_their_weights(gateway: Gateway) -> None:
    for quests in (-1, True, ["major", "huge"], "3", 1001):
        chapters = [{"chapter_id": "a", "quests": quests}]
        command = {"type": "compile_chapters", "command_id": "k", "chapters": chapters}
        (error,) = (await gateway.send(command)).json["errors"]
        assert error["field"] == "chapters[0].quests"
        assert error["expected"] == (
            "a whole number from 0 to 1000 or a list of at most 1000, "
            "each one of major, standard, minor"
        )
