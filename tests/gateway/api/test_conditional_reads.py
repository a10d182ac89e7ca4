"""Entity tags: a read names the position it shows, and is not sent again where nothing changed."""

import re

import pytest

from gateway.http.messages import Request, Response
from gateway.http.responses import response_pieces
from tests.gateway.gateway_kit import Gateway

GRANT = {"command_id": "c-1", "type": "grant_player_progression_experience", "amount": 500}
PLAN = {
    "command_id": "plan",
    "type": "compile_chapters",
    "chapters": [{"chapter_id": "c", "quests": 1}],
}
READS = ["", "/progression", "/quests", "/battles", "/history", "/commands/c-1"]


@pytest.mark.parametrize("path", READS)
async def test_a_read_that_is_known_already_is_not_sent_again(gateway: Gateway, path: str) -> None:
    await gateway.send(GRANT)
    at = f"/v1/users/alice{path}"
    first = await gateway.get(at)
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9A-Za-z]+\.1"', tag)
    for known in (tag, f'"x.1", {tag}', f"W/{tag}", "*"):
        again = await gateway.get(at, headers=[("if-none-match", known)])
        assert (again.status, again.content, again.headers["etag"]) == (304, b"", tag)
    await gateway.send({**GRANT, "command_id": "c-2"})
    changed = await gateway.get(at, headers=[("if-none-match", tag)])
    assert changed.status == 200
    assert changed.headers["etag"] == tag.replace(".1", ".2")


@pytest.mark.parametrize("known", ['"x.1"', "", '"', "x" * 2_000 + ", *", '"W/"'])
async def test_another_tag_is_not_taken_for_the_one_that_is(gateway: Gateway, known: str) -> None:
    await gateway.send(GRANT)
    answer = await gateway.get("/v1/users/alice", headers=[("if-none-match", known)])
    assert answer.status == 200


async def test_a_user_who_never_changed_is_at_version_0_of_the_stores_era(gateway: Gateway) -> None:
    unknown = (await gateway.get("/v1/users/alice/progression")).headers["etag"]
    seen = [("if-none-match", unknown)]
    assert (await gateway.get("/v1/users/alice/progression", headers=seen)).status == 304
    await gateway.send({**GRANT, "since": unknown.strip('"')})
    answer = await gateway.get("/v1/users/alice/progression", headers=seen)
    assert (answer.status, answer.headers["etag"]) == (200, unknown.replace(".0", ".1"))


async def test_a_rating_is_always_sent_because_the_rules_may_be_others(gateway: Gateway) -> None:
    await gateway.send(PLAN)
    for path in ("chapters", "chapters/c"):
        at = f"/v1/users/alice/{path}"
        tag = (await gateway.get(at)).headers["etag"]
        assert (await gateway.get(at, headers=[("if-none-match", tag)])).status == 200


async def test_the_position_of_a_read_is_what_a_command_names_as_since(gateway: Gateway) -> None:
    await gateway.send(GRANT)
    position = (await gateway.get("/v1/users/alice")).headers["etag"].strip('"')
    sent = {**GRANT, "command_id": "c-2", "since": position}
    assert (await gateway.send(sent)).json["version"] == 2
    assert (await gateway.send(sent)).json["replayed"] is True
    other = {**GRANT, "command_id": "c-3", "since": "another.1"}
    assert (await gateway.send(other)).code == "receipt_gone"


async def test_a_missing_row_is_a_problem_whatever_is_known(gateway: Gateway) -> None:
    await gateway.send(GRANT)
    answer = await gateway.get("/v1/users/alice/quests/q", headers=[("if-none-match", "*")])
    assert (answer.status, answer.code) == (404, "quest_not_found")


def test_a_304_says_nothing_of_a_body() -> None:
    request = Request()
    request.method = "GET"
    response = Response(304, b"", b"", ((b"etag", b'"e.1"'),))
    [content] = response_pieces(request, response, b"now", False)
    assert content == b'HTTP/1.1 304 Not Modified\r\ndate: now\r\netag: "e.1"\r\n\r\n'
