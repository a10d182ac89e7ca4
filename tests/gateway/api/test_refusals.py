"""Every refusal that the gateway makes or passes on: its status, its code and what it says."""

from typing import Any, NamedTuple

import pytest

from actors import errors
from actors.messages import refused
from domain.messages.rejections import Code
from gateway.problems import PROBLEM_TYPES, FieldError, Problem
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, PLAYER, Gateway, ScriptedCluster

AT = "/v1/users/alice/commands"
JSON = [("content-type", "application/json")]
GRANT = {"type": "grant_player_progression_experience", "command_id": "k", "amount": 5}


class Row(NamedTuple):
    """One refusal."""

    status: int
    code: str
    method: str = "POST"
    path: str = AT
    body: bytes = b"{}"
    bearer: str | None = PLAYER
    content_type: str | None = "application/json"


ROWS = {
    "no token": Row(401, "unauthenticated", bearer=None),
    "no token for a read": Row(401, "unauthenticated", "GET", "/v1/users/alice", bearer=None),
    "a path that is not": Row(404, "not_found", "GET", "/v1/nothing", bearer=None),
    "a slash too many": Row(404, "not_found", "GET", "/v1/users/alice/", bearer=None),
    "the wrong method": Row(405, "method_not_allowed", "DELETE", bearer=None),
    "GET where only POST is": Row(405, "method_not_allowed", "GET"),
    "POST where only GET is": Row(405, "method_not_allowed", "POST", "/v1/rules"),
    "a bad user id": Row(400, "invalid_id", path="/v1/users/a%20b/commands"),
    "a bad id comes before whose it is": Row(400, "invalid_id", path="/v1/users/%C3%A9/commands"),
    "a bad chapter id": Row(400, "invalid_id", "GET", "/v1/users/me/chapters/a%20b"),
    "somebody else": Row(403, "not_your_user", path="/v1/users/bob/commands"),
    "somebody else's rows": Row(403, "not_your_user", "GET", "/v1/users/bob/quests"),
    "whose it is comes before the body": Row(
        403, "not_your_user", path="/v1/users/bob/commands", body=b"x" * 70_000
    ),
    "a body too large": Row(413, "body_too_large", body=b" " * (gateway_kit.BODY_BYTES_MAX + 1)),
    "its size comes before its type": Row(
        413,
        "body_too_large",
        body=b" " * (gateway_kit.BODY_BYTES_MAX + 1),
        content_type="text/plain",
    ),
    "a form": Row(
        415, "unsupported_media_type", content_type="application/x-www-form-urlencoded", body=b"{"
    ),
    "no media type at all": Row(415, "unsupported_media_type", content_type=""),
    "not JSON": Row(400, "malformed_body", body=b"{"),
    "no body": Row(400, "malformed_body", body=b""),
    "a number": Row(400, "malformed_body", body=b"5"),
    "no such command": Row(400, "unknown_command", body=b'{"type": "grant_gold"}'),
    "not for players": Row(403, "not_allowed", body=b'{"type": "offer_quest", "nonsense": 1}'),
    "no type": Row(422, "invalid_field", body=b"{}"),
    "a type that is no text": Row(422, "invalid_field", body=b'{"type": 5}'),
    "a missing field": Row(422, "invalid_field", body=b'{"type": "turn_in_quest"}'),
    "an id that is none": Row(
        400, "invalid_id", body=b'{"type": "acknowledge_level_ups", "command_id": "a b"}'
    ),
    "no such chapter": Row(404, "chapter_not_found", "GET", "/v1/users/me/chapters/c"),
    "no such quest to read": Row(404, "quest_not_found", "GET", "/v1/users/me/quests/q"),
    "no such battle": Row(404, "battle_not_found", "GET", "/v1/users/me/battles/b"),
    "no such command so far": Row(404, "command_not_found", "GET", "/v1/users/me/commands/c"),
    "no such quest": Row(
        404,
        "quest_not_found",
        body=b'{"type": "turn_in_quest", "command_id": "k", "quest_id": "q"}',
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_a_refusal_has_its_status_and_code(gateway: Gateway, row: Row) -> None:
    headers = [("content-type", row.content_type)] if row.content_type is not None else []
    answer = await gateway.request(
        row.method, row.path, bearer=row.bearer, body=row.body, headers=headers
    )
    assert (answer.status, answer.code) == (row.status, row.code)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == row.status
    assert problem["type"] == f"/docs/errors#{row.code}"
    assert problem["title"] == PROBLEM_TYPES[row.code].title
    assert problem["detail"]


async def test_the_methods_that_would_do_are_named(gateway: Gateway) -> None:
    answer = await gateway.request("PATCH", "/v1/users/alice")
    assert answer.headers["allow"] == "GET, HEAD"
    answer = await gateway.request("HEAD", AT)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_401_says_how_to_authenticate(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/users/alice", bearer=None)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_player_who_names_a_reward_is_told_there_is_no_such_field(
    gateway: Gateway,
) -> None:
    body = {"type": "turn_in_quest", "command_id": "k", "quest_id": "q", "experience": 99_999}
    answer = await gateway.send(body, bearer=PLAYER)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert answer.json["command_id"] == "k"
    [error] = answer.json["errors"]
    assert error == {
        "field": "experience",
        "came": "99999",
        "expected": "nothing: it is no field of turn_in_quest, "
        "which has command_id, since, type, quest_id",
    }


SINCE = "a position: the era, a dot and the version, or null"
WRONG_FIELDS: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({**GRANT, "amount": -1}, [("amount", "-1", "a whole number from 0 to 9007199254740991")]),
    ({**GRANT, "amount": True}, [("amount", "true", "a whole number from 0 to")]),
    ({**GRANT, "amount": 1.5}, [("amount", "1.5", "a whole number")]),
    ({**GRANT, "amount": "5"}, [("amount", '"5"', "a whole number")]),
    ({**GRANT, "amount": None}, [("amount", "null", "a whole number")]),
    ({**GRANT, "amount": 2**64}, [("amount", "1.8446744073709552e+19", "a whole number")]),
    ({**GRANT, "source": "cheat"}, [("source", '"cheat"', "one of quest, hostile_npc, service")]),
    ({**GRANT, "since": 7}, [("since", "7", SINCE)]),
    ({**GRANT, "since": "yesterday"}, [("since", '"yesterday"', SINCE)]),
    ({**GRANT, "since": "era." + "9" * 20}, [("since", '"era.99999999999999999999"', SINCE)]),
    ({**GRANT, "command_id": 7}, [("command_id", "7", "an id, 1 to 128 of A-Z")]),
    (
        {"type": GRANT["type"]},
        [("command_id", "nothing", "an id"), ("amount", "nothing", "a whole")],
    ),
    (
        {
            "type": "offer_quest",
            "command_id": "k",
            "quest_id": "q",
            "objectives": [{"kind": "defeat", "target": "wolf", "required": 0, "extra": 1}, 5],
            "reward": {"items": {"gold": -1}, "luck": 1},
        },
        [
            ("objectives[0].required", "0", "a whole number from 1 to 1000000"),
            (
                "objectives[0].extra",
                "1",
                "nothing: it is no field of objectives[0], which has kind",
            ),
            ("objectives[1]", "5", "an object with kind, target, required"),
            ("reward.items.gold", "-1", "a whole number from 1 to"),
            ("reward.luck", "1", "nothing: it is no field of reward, which has experience, items"),
        ],
    ),
    (
        {"type": "offer_quest", "command_id": "k", "quest_id": "q", "reward": {}, "objectives": {}},
        [("objectives", "an object of 0", "a list of at most 100")],
    ),
    (
        {"type": "start_battle", "command_id": "k", "battle_id": "b", "hostile": "wolf"},
        [("hostile", '"wolf"', "an object with hostile_id, tier, level, strength")],
    ),
    (
        {
            "type": "start_battle",
            "command_id": "k",
            "battle_id": "b",
            "hostile": {"hostile_id": "w", "level": 0},
        },
        [("hostile.level", "0", "a whole number from 1 to 10000, or null")],
    ),
]


@pytest.mark.parametrize(("body", "errors"), WRONG_FIELDS)
async def test_every_wrong_field_is_named_with_what_came_and_what_fits(
    gateway: Gateway, body: dict[str, Any], errors: list[tuple[str, str, str]]
) -> None:
    answer = await gateway.send(body)
    assert (answer.status, answer.code) == (422, "invalid_field")
    told = [FieldError(**error) for error in answer.json["errors"]]
    assert sorted((one.field, one.came) for one in told) == sorted(
        (field, came) for field, came, _ in errors
    )
    for field, _, expected in errors:
        assert any(one.field == field and one.expected.startswith(expected) for one in told)
    assert answer.json["detail"].startswith(told[0].field + " is ")


async def test_an_id_in_a_body_that_is_none_is_invalid_id_only_when_nothing_else_is_wrong(
    gateway: Gateway,
) -> None:
    body = {"type": "turn_in_quest", "command_id": "k", "quest_id": "../../etc"}
    answer = await gateway.send(body, bearer=PLAYER)
    assert (answer.status, answer.code) == (400, "invalid_id")
    assert [one["field"] for one in answer.json["errors"]] == ["quest_id"]
    answer = await gateway.send({**body, "more": 1}, bearer=PLAYER)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert [one["field"] for one in answer.json["errors"]] == ["quest_id", "more"]


async def test_a_list_of_a_hundred_and_one_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send([ACKNOWLEDGE] * 101)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert "at most 100" in answer.json["detail"]


async def test_a_refusal_is_never_much_larger_than_what_it_refuses(gateway: Gateway) -> None:
    many = {f"field-{number}": 1 for number in range(3_000)}
    answer = await gateway.send({**ACKNOWLEDGE, **many})
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert len(answer.content) < 1_000
    rewards = {f"no id {number}": 1 for number in range(3_000)}
    body = {"type": "offer_quest", "command_id": "k", "quest_id": "q", "reward": {"items": rewards}}
    answer = await gateway.send(body)
    assert len(answer.json["errors"]) == 100
    assert answer.json["detail"].endswith("; 2999 more; errors names the first 100")
    answer = await gateway.send({**ACKNOWLEDGE, "command_id": "x" * 50_000})
    assert len(answer.content) < 1_000


async def test_the_refusals_of_a_list_name_a_hundred_wrong_fields_together(
    gateway: Gateway,
) -> None:
    fields = {f"field-{number}": 1 for number in range(60)}
    refusals = (await gateway.send([{**ACKNOWLEDGE, **fields}] * 50)).json
    assert [len(each.get("errors", [])) for each in refusals] == [60, 40] + [0] * 48
    assert {each["code"] for each in refusals} == {"invalid_field"}
    for each, more in zip(
        refusals, ("in errors", "errors names the first 40", "59 more"), strict=False
    ):
        assert each["detail"].startswith("field-0 is 1, expected nothing")
        assert each["detail"].endswith(more)


@pytest.mark.parametrize(
    "query", [b"a&" * 9, b"&" * 8 + b"a=1&b=2", b"limit=x&" * 20_000, b"a" * 9]
)
async def test_the_refusal_of_a_query_names_one_mistake(gateway: Gateway, query: bytes) -> None:
    answer = await gateway.get("/v1/users/alice/history", query=query)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert len(answer.content) < 600
    assert len(answer.json.get("errors", [])) <= 1


@pytest.mark.parametrize("query", [b"dry_run=true&dry_run=false", b"dry_run=false&dry_run=false"])
async def test_a_query_that_names_a_parameter_twice_is_refused_and_nothing_happens(
    gateway: Gateway, query: bytes
) -> None:
    command = {"command_id": "c", "type": "offer_quest", "quest_id": "q", "reward": {}}
    answer = await gateway.send(command, query=query)
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert (await gateway.get("/v1/users/alice")).json["version"] == 0


@pytest.mark.parametrize(
    "path", ["progression", "quests/q", "battles/b", "chapters/c", "commands/c"]
)
async def test_a_read_takes_no_other_parameter_in_silence(gateway: Gateway, path: str) -> None:
    answer = await gateway.get(f"/v1/users/alice/{path}", query=b"version=3")
    assert (answer.status, answer.code) == (422, "invalid_field")
    assert answer.json["detail"] == 'version is "3", expected only min_version'


SEVERAL_LINES = {
    "the format wanted, first": (("accept", "application/msgpack"), ("accept", "text/html"), 200),
    "the format wanted, last": (("accept", "text/html"), ("accept", "application/msgpack"), 200),
    "two types of one body": (
        ("content-type", "application/msgpack"),
        ("content-type", "application/json"),
        415,
    ),
    "packed after all": (("content-encoding", "gzip"), ("content-encoding", "identity"), 415),
}


@pytest.mark.parametrize(("one", "other", "status"), SEVERAL_LINES.values(), ids=SEVERAL_LINES)
async def test_several_lines_of_one_header_are_one_list(
    gateway: Gateway, one: tuple[str, str], other: tuple[str, str], status: int
) -> None:
    command = {"command_id": "c", "type": "offer_quest", "quest_id": "q", "reward": {}}
    answer = await gateway.send(command, headers=[one, other])
    assert answer.status == status
    if status == 200:
        assert answer.headers["content-type"] == "application/msgpack"


@pytest.mark.parametrize(
    ("accept", "subtype"),
    [
        ("application/json;q=0, */*", "msgpack"),
        ("application/msgpack;q=0, */*", "json"),
        ("application/*;q=0, */*", "json"),
        ("application/msgpack;q=0.05, */*;q=0.1", "json"),
        ("application/json;q=0.5, application/*;q=0.6", "msgpack"),
        ("application/json, text/plain, */*", "json"),
        ("application/msgpack, */*;q=0.8", "msgpack"),
        ("text/html, */*;q=0.8", "json"),
        ("application/json;q=0", "json"),
    ],
)
async def test_the_closest_range_decides_about_a_format(
    gateway: Gateway, accept: str, subtype: str
) -> None:
    answer = await gateway.get("/v1/rules", headers=[("accept", accept)])
    assert answer.headers["content-type"] == f"application/{subtype}"


async def test_a_long_accept_header_is_read_to_its_first_kilobyte(gateway: Gateway) -> None:
    near = "text/html," * 90 + "application/msgpack"
    far = "text/html," * 110 + "application/msgpack"
    for accept, content_type in ((near, "application/msgpack"), (far, "application/json")):
        answer = await gateway.get("/v1/rules", headers=[("accept", accept)])
        assert answer.headers["content-type"] == content_type


ASK_AGAIN: list[tuple[errors.AskAgain, int, str | None]] = [
    (errors.Overloaded(), 503, "1"),
    (errors.UserBusy(), 429, "1"),
    (errors.UserUnavailable("its store is away"), 503, "1"),
    (errors.OutcomeUnknown(), 504, "1"),
]


@pytest.mark.parametrize(("error", "status", "retry_after"), ASK_AGAIN)
async def test_what_did_not_get_through_says_when_to_ask_again(
    error: errors.AskAgain, status: int, retry_after: str
) -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(error))
    answer = await gateway.send(ACKNOWLEDGE)
    assert (answer.status, answer.code) == (status, error.code)
    assert answer.headers["retry-after"] == retry_after
    assert answer.json["retry_after_ms"] == error.retry_after_ms
    assert answer.json["command_id"] == "k"
    assert str(error) in answer.json["detail"]
    for path in ("/v1/users/alice", "/v1/users/alice/commands/k"):
        assert (await gateway.get(path)).code == error.code
    assert (await gateway.send([ACKNOWLEDGE])).code == error.code


async def test_a_refusing_reply_becomes_its_problem_alone_and_in_a_list() -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(refused("user_busy", "256 messages wait", 1_250)))
    answer = await gateway.send(ACKNOWLEDGE)
    assert (answer.status, answer.code) == (429, "user_busy")
    assert answer.headers["retry-after"] == "2"
    [one] = (await gateway.send([ACKNOWLEDGE])).json
    assert (one["code"], one["retry_after_ms"], one["command_id"]) == ("user_busy", 1_250, "k")


def all_codes_below() -> set[str]:
    return {str(code) for code in Code} | {str(code) for code in errors.DeliveryCode}


def test_the_table_has_every_code_of_the_layers_below() -> None:
    assert all_codes_below() <= PROBLEM_TYPES.keys()


SPECIFIED = {
    400: "malformed_body invalid_id unknown_command unsupported_subprotocol",
    401: "unauthenticated",
    403: "not_your_user not_allowed",
    404: "quest_not_found battle_not_found chapter_not_found grant_not_found command_not_found"
    " not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    409: "quest_not_ready quest_already_turned_in quest_exists battle_over battle_exists"
    " already_undone command_id_reused receipt_gone limit_reached",
    413: "body_too_large answer_too_large",
    415: "unsupported_media_type",
    422: "invalid_field invalid_rules",
    426: "upgrade_required",
    429: "too_many_requests user_busy",
    500: "internal",
    503: "overloaded draining user_unavailable",
    504: "outcome_unknown",
}


def test_the_table_is_the_one_that_was_promised() -> None:
    promised = {code: status for status, codes in SPECIFIED.items() for code in codes.split()}
    assert {code: meaning.status for code, meaning in PROBLEM_TYPES.items()} == promised


@pytest.mark.parametrize("code", PROBLEM_TYPES)
def test_each_code_makes_a_whole_problem(code: str) -> None:
    document = Problem(code, "because").document()
    assert set(document) == {"type", "title", "status", "code", "detail", "retry"}
