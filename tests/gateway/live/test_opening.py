"""Who gets a live connection, and how everybody else is told why not."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.gateway_kit import PLAYER, SERVICE, token
from tests.gateway.live.live_kit import JSON, MSGPACK, Server, server
from tests.gateway.live.raw_kit import Answered, handshake, raw

OWN, BOBS, MANY = "/v1/users/me/live", "/v1/users/bob/live", "/v1/live"
FOREIGN = {"Origin": "https://elsewhere.example"}


async def asked(here: Server, *of: Any, **changes: Any) -> Answered:
    """The answer to a handshake."""
    async with raw(here) as client:
        client.send(handshake(*of, **changes))
        return await client.answer()


async def told(here: Server, path: str, bearer: str, protocol: str = JSON, **changes: Any) -> str:
    """The close that a browser is told, and that nothing comes before it."""
    async with raw(here) as client:
        client.send(handshake(path, None, f"{protocol}, bearer.{bearer}", **changes))
        answer = await client.answer()
        assert answer.status == 101
        assert bearer not in str(answer), "the token is not repeated"
        [close] = await client.hear_all()
        code = int.from_bytes(close.payload[:2], "big")
        return f"{code} {close.payload[2:].decode()}"


REFUSALS: dict[str, tuple[tuple[Any, ...], dict[str, Any], int, str]] = {
    "no upgrade": ((OWN,), {"Connection": None, "Upgrade": None}, 426, "upgrade_required"),
    "to another protocol": ((OWN,), {"Upgrade": "h2c"}, 426, "upgrade_required"),
    "an older version": ((OWN,), {"Sec_WebSocket_Version": "8"}, 426, "upgrade_required"),
    "no key": ((OWN,), {"Sec_WebSocket_Key": None}, 400, "malformed_body"),
    "a short key": ((OWN,), {"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "malformed_body"),
    "no subprotocol": ((OWN, PLAYER, None), {}, 400, "unsupported_subprotocol"),
    "one that is unknown": ((OWN, PLAYER, "questkeep.v9"), {}, 400, "unsupported_subprotocol"),
    "no token": ((OWN, None), {}, 401, "unauthenticated"),
    "a token of nobody": ((OWN, "x.y.z"), {}, 401, "unauthenticated"),
    "a token in the query": ((f"{OWN}?token={PLAYER}", None), {}, 401, "unauthenticated"),
    "an expired token": ((OWN, token("alice", exp=1)), {}, 401, "unauthenticated"),
    "another player": ((BOBS,), {}, 403, "not_your_user"),
    "a player among many": ((MANY,), {}, 403, "not_allowed"),
    "another site": ((OWN,), FOREIGN, 403, "not_allowed"),
    "a site that is none": ((OWN,), {"Origin": "http://[::1"}, 403, "not_allowed"),
    "a page without a site": ((OWN,), {"Origin": "null"}, 403, "not_allowed"),
    "no id": (("/v1/users/a%20b/live", SERVICE), {}, 400, "invalid_id"),
    "an unknown parameter": ((f"{OWN}?speed=9",), {}, 400, "malformed_body"),
    "a value that is none": ((f"{OWN}?settled=some",), {}, 400, "malformed_body"),
    "a name that is no row": ((f"{OWN}?rows=quests,x",), {}, 400, "malformed_body"),
    "a position that is none": ((f"{OWN}?after=a.b.c",), {}, 400, "malformed_body"),
    "a parameter twice": ((f"{OWN}?rows=goods&rows=goods",), {}, 400, "malformed_body"),
    "a position of many": ((f"{MANY}?after=1", SERVICE), {}, 400, "malformed_body"),
}


async def test_every_refusal_is_a_problem_before_the_upgrade() -> None:
    async with server() as here:
        for name, (of, changes, status, code) in REFUSALS.items():
            answer = await asked(here, *of, **changes)
            assert (name, answer.status) == (name, status)
            assert answer.headers["content-type"] == "application/problem+json"
            assert (name, json.loads(answer.body)["code"]) == (name, code)
        upgrade = await asked(here, OWN, Connection=None, Upgrade=None)
        assert upgrade.headers["upgrade"] == "websocket"


async def test_a_browser_is_upgraded_and_told_by_a_close_code() -> None:
    async with server() as here:
        for path, bearer, protocol, changes, close in [
            (OWN, "x.y.z", JSON, {}, "4401 unauthenticated"),
            (OWN, "x.y.z", MSGPACK, {}, "4401 unauthenticated"),
            (OWN, token("alice", exp=1), JSON, {}, "4401 unauthenticated"),
            (BOBS, PLAYER, JSON, {}, "4403 not_your_user"),
            (MANY, PLAYER, JSON, {}, "4403 not_allowed"),
            (OWN, PLAYER, JSON, FOREIGN, "4403 not_allowed"),
            (f"{OWN}?speed=9", PLAYER, JSON, {}, "4400 malformed_body"),
            (OWN, PLAYER, "questkeep.v9", {}, "4400 unsupported_subprotocol"),
        ]:
            assert (await told(here, path, bearer, protocol, **changes)).startswith(close)


async def test_whoever_cannot_be_upgraded_at_all_gets_a_problem_though_they_offer_a_token() -> None:
    async with server() as here:
        offered = f"{JSON}, bearer.{PLAYER}"
        answer = await asked(here, OWN, None, offered, Sec_WebSocket_Key="short")
        assert answer.status == 400
        assert PLAYER not in str(answer)


async def test_a_gateway_that_is_full_says_when_to_come_back() -> None:
    async with server(live_connections_max=1) as here, here.connect() as first:
        await first.hear_of("caught_up")
        answer = await asked(here, OWN)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "5"
        assert await told(here, OWN, PLAYER) == "4503 retry_after_ms=5000"


async def test_a_gateway_that_drains_opens_nothing() -> None:
    async with server() as here:
        here.app.drain()
        answer = await asked(here, OWN)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "draining")
        assert await told(here, OWN, PLAYER) == "4503 retry_after_ms=1000"


async def test_whoever_asks_too_often_is_told_so() -> None:
    async with server(player_rate_max=1) as here:
        statuses = [(await asked(here, OWN)).status for _ in range(8)]
        assert statuses[-1] == 429
        assert (await told(here, OWN, PLAYER)).startswith("4429 retry_after_ms=")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (f"{JSON}, {MSGPACK}", JSON),
        (f"{MSGPACK},{JSON}", MSGPACK),
        (f"graphql-ws, {MSGPACK}, {JSON}", MSGPACK),
        (f"bearer.{PLAYER}, {JSON}", JSON),
        (f"{JSON}, bearer.{PLAYER}", JSON),
    ],
)
async def test_the_first_subprotocol_that_is_known_is_chosen(offered: str, chosen: str) -> None:
    async with server() as here:
        bearer = None if "bearer." in offered else PLAYER
        answer = await asked(
            here, OWN, bearer, offered, Sec_WebSocket_Extensions="permessage-deflate"
        )
        assert answer.status == 101
        assert answer.headers["sec-websocket-protocol"] == chosen
        assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert "sec-websocket-extensions" not in answer.headers


async def test_pages_of_this_host_and_of_sites_that_are_allowed_may_connect() -> None:
    async with server(allow_origins=("https://app.example",)) as here:
        for origin, status in [
            ("http://game.example", 101),
            ("https://app.example", 101),
            ("https://app.example:8443", 403),
            ("https://game.example.evil.example", 403),
        ]:
            assert (await asked(here, OWN, Origin=origin)).status == status


async def test_the_log_names_a_page_that_was_refused_and_the_option_that_allows_it() -> None:
    async with server() as here:
        with capture_logs() as logs:
            await asked(here, OWN, **FOREIGN)
        [line] = [line for line in logs if line["event"] == "a page of another origin was refused"]
        assert line["origin"] == FOREIGN["Origin"]
        assert line["option"] == "--allow-origin"


async def test_the_header_counts_where_a_token_is_offered_twice() -> None:
    async with server() as here:
        offered = f"{JSON}, bearer.{token('bob')}"
        assert (await asked(here, "/v1/users/alice/live", PLAYER, offered)).status == 101
