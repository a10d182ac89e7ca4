"""The paths of `/play`: where there are any, what they give away, and how the files are served."""

import gzip
import re
from typing import Any

import pytest

from domain.rules.compiled_rules import compile_rules
from gateway.auth.authenticator import Secret
from gateway.play.assets import assets
from gateway.server.application import make_app
from gateway.server.rules_reload import ServedRules
from gateway.settings import Settings
from tests.gateway.gateway_kit import (
    PLAYER,
    RULES_TEXT,
    SECRET,
    SERVICE,
    Gateway,
    a_local_cluster,
    token,
)

COMPRESSED_BYTES_MAX = 60_000
OFFER = {"command_id": "c-1", "type": "offer_quest", "quest_id": "q-1", "reward": {}}


def playground(development_secret: bytes | None = SECRET) -> Gateway:
    cluster = a_local_cluster()
    rules = ServedRules(compile_rules(RULES_TEXT), lambda: RULES_TEXT, cluster.change_rules)
    app = make_app(Settings(), Secret(SECRET), cluster, rules, development_secret)
    app.ready = True
    return Gateway(app)


async def new_player(gateway: Gateway) -> Any:
    return (await gateway.request("POST", "/play/players", bearer=None)).json


async def tell(gateway: Gateway, bearer: str, body: bytes) -> Any:
    return await gateway.request("POST", "/play/story", bearer=bearer, body=body)


@pytest.mark.parametrize("path", ["/play", "/play/main.js", "/play/vendor/preact.js"])
async def test_where_others_sign_there_is_no_page(path: str) -> None:
    assert (await playground(None).get(path, bearer=None)).status == 404


@pytest.mark.parametrize("path", ["/play/players", "/play/story"])
async def test_where_others_sign_nobody_gets_a_token(path: str) -> None:
    assert (await playground(None).request("POST", path, bearer=SERVICE)).status == 404


async def test_every_player_is_somebody_new_and_reaches_themself_only() -> None:
    gateway = playground()
    one, other = [await new_player(gateway) for _ in range(2)]
    assert re.fullmatch(r"play-[0-9a-f]{12}", one["user_id"])
    assert one["user_id"] != other["user_id"]
    own = await gateway.get("/v1/users/me", bearer=one["token"])
    assert own.json["user_id"] == one["user_id"]
    answer = await gateway.get(f"/v1/users/{other['user_id']}", bearer=one["token"])
    assert answer.code == "not_your_user"


async def test_a_players_story_reaches_that_player() -> None:
    gateway = playground()
    player = await new_player(gateway)
    body = b'[{"command_id": "c-1", "type": "offer_quest", "quest_id": "q-1", "reward": {}}]'
    [reply] = (await tell(gateway, player["token"], body)).json
    assert reply["changes"]["quest_record"][0]["user_id"] == player["user_id"]
    [again] = (await tell(gateway, player["token"], body)).json
    assert again == {**reply, "replayed": True}


async def test_a_player_of_the_page_grants_themself_nothing_elsewhere() -> None:
    gateway = playground()
    player = await new_player(gateway)
    answer = await gateway.send(OFFER, user="me", bearer=player["token"])
    assert answer.code == "not_allowed"


STRANGERS = {
    "a player of a game": PLAYER,
    "a service": SERVICE,
    "a service of a like name": token("play-service", "service"),
}


@pytest.mark.parametrize("bearer", STRANGERS.values(), ids=STRANGERS)
async def test_nobody_else_has_a_story(bearer: str) -> None:
    answer = await tell(playground(), bearer, b"[]")
    assert answer.code == "not_allowed"


async def test_a_story_takes_a_token() -> None:
    answer = await playground().request("POST", "/play/story", bearer=None, body=b"[]")
    assert answer.code == "unauthenticated"


async def test_the_page_may_run_and_draw_nothing_but_its_own_files() -> None:
    answer = await playground().get("/play", bearer=None)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", page) == []
    assert not re.search(r"(?:src|href)=\"(?!/)", page)


async def test_a_file_comes_compressed_to_whoever_takes_it_and_once() -> None:
    gateway = playground()
    plain = await gateway.get("/play/main.js", bearer=None)
    packed = await gateway.get(
        "/play/main.js", bearer=None, headers=[("Accept-Encoding", "br, gzip")]
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    known = [("If-None-Match", plain.headers["etag"])]
    again = await gateway.get("/play/main.js", bearer=None, headers=known)
    assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/play/none.js", "/play/vendor/none.js", "/play/..%2Froutes.py"])
async def test_there_are_no_other_files(path: str) -> None:
    assert (await playground().get(path, bearer=None)).status == 404


def test_all_of_the_page_is_small() -> None:
    compressed = {name: len(asset.compressed) for name, asset in assets().items()}
    del compressed["vendor/LICENSES.txt"]  # for people, not for browsers
    assert len(compressed) > 15
    assert sum(compressed.values()) <= COMPRESSED_BYTES_MAX


def test_every_module_that_the_page_names_is_there() -> None:
    names = set(assets())
    for name, asset in assets().items():
        folder = "vendor/" if name.startswith("vendor/") else ""
        imports = re.findall(r'from ?"\./([^"]+)"', asset.content.decode())
        assert {f"{folder}{each}" for each in imports} <= names, name
    page = assets()["index.html"].content.decode()
    linked = set(re.findall(r'(?:src|href)="/play/([^"]+)"', page))
    assert linked <= names
