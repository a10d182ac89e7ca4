"""Ids in paths: what is an id reaches its user, and nothing else reaches anything."""

import pytest

from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import PLAYER, SERVICE, Gateway, token

GOOD = {
    b"alice": "alice",
    b"%61lice": "alice",
    b"a%2Db": "a-b",
    b"A.b_c:d@e-f": "A.b_c:d@e-f",
    b"user%3A1%40x": "user:1@x",
    b"...": "...",
    b"a..b": "a..b",
    b"x" * 128: "x" * 128,
}

BAD = [
    b".",
    b"..",
    b"%2e%2e",
    b"%2E",
    b"a%2Fb",
    b"..%2F..%2Fetc%2Fpasswd",
    b"%2F",
    b"a%5Cb",
    b"a%00b",
    b"%",
    b"%zz",
    b"%C3%A9",
    b"\xc3\xa9",
    b"%FF",
    b"\xff",
    b"a%20b",
    b"a+b",
    b"a%0Ab",
    b"alice%0a",
    b"a%25b",
    b"a;b",
    b"a~b",
    b"x" * 129,
    b"",
    "\uff41lice".encode(),
]


@pytest.mark.parametrize(("raw", "user_id"), GOOD.items())
async def test_an_id_is_decoded_once_and_reaches_its_user(
    gateway: Gateway, raw: bytes, user_id: str
) -> None:
    answer = await gateway.get(b"/v1/users/" + raw)
    assert answer.json["user_id"] == user_id


@pytest.mark.parametrize("raw", BAD)
async def test_what_is_no_id_is_refused_in_every_place_of_a_path(
    gateway: Gateway, raw: bytes
) -> None:
    for path in (
        b"/v1/users/" + raw,
        b"/v1/users/" + raw + b"/commands/c",
        b"/v1/users/me/chapters/" + raw,
        b"/v1/users/me/battles/" + raw,
        b"/v1/users/me/commands/" + raw,
    ):
        answer = await gateway.get(path, bearer=PLAYER)
        assert (answer.status, answer.code) == (400, "invalid_id"), path
    answer = await gateway.request("POST", b"/v1/users/" + raw + b"/commands", bearer=SERVICE)
    assert (answer.status, answer.code) == (400, "invalid_id")


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/users/alice%2Fcommands",
        b"/v1%2Fusers/alice",
        b"//v1/users/alice",
        b"/v1/users/alice//commands",
        b"/v1/users/../users/alice/commands/x",
        b"/v1/users",
        b"",
        b"v1/users/alice",
    ],
)
async def test_a_path_that_looks_like_another_is_not_that_other(
    gateway: Gateway, path: bytes
) -> None:
    answer = await gateway.get(path)
    assert answer.status in (400, 404)


async def test_me_is_the_caller_whoever_that_is(gateway: Gateway) -> None:
    assert (await gateway.get("/v1/users/me", bearer=PLAYER)).json["user_id"] == "alice"
    assert (await gateway.get("/v1/users/%6De", bearer=PLAYER)).json["user_id"] == "alice"
    assert (await gateway.get("/v1/users/me", bearer=SERVICE)).json["user_id"] == "game"


async def test_a_chapter_may_be_called_me(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/users/me/chapters/me", bearer=PLAYER)
    assert answer.code == "chapter_not_found"


async def test_a_player_reaches_nobody_else_however_the_path_is_written(gateway: Gateway) -> None:
    for raw in (b"bob", b"%62ob", b"Alice", b"alice."):
        answer = await gateway.get(b"/v1/users/" + raw, bearer=PLAYER)
        assert (answer.status, answer.code) == (403, "not_your_user")


async def test_services_and_operators_reach_every_user(gateway: Gateway) -> None:
    for bearer in (SERVICE, gateway_kit.OPERATOR):
        assert (await gateway.get("/v1/users/bob", bearer=bearer)).json["user_id"] == "bob"


async def test_a_service_whose_name_is_a_user_id_is_not_taken_for_that_player(
    gateway: Gateway,
) -> None:
    player = await gateway.send({"type": "offer_quest"}, bearer=token("game"), user="me")
    assert player.code == "not_allowed"
