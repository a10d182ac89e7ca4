"""Promises of the API and of tokens that a mutant breaks, each as one check of a gateway's parts.

The tests beside the code say more of each; here is what has to fail when one is broken.
"""

from typing import Any

import msgpack
import pytest

from gateway.auth.authenticator import HEADER_BYTES_MAX, Authenticator, Secret
from gateway.auth.jwks import read_keys
from gateway.problems import Problem
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, PLAYER, SECRET, SERVICE, Gateway, token

GRANT = {"command_id": "g", "type": "grant_player_progression_experience", "amount": 5}
OFFER = {"command_id": "o", "type": "offer_quest", "quest_id": "q", "reward": {}}


async def one_token_is_remembered_once() -> None:
    authenticator = Authenticator(Secret(SECRET), ["HS256"])
    for spaces in range(1, 10):
        await authenticator.caller(b"Bearer" + b" " * spaces + PLAYER.encode())
    assert len(authenticator._verified) == 1


async def a_long_header_is_refused() -> None:
    authenticator = Authenticator(Secret(SECRET), ["HS256"])
    try:
        await authenticator.caller(b"Bearer" + b" " * HEADER_BYTES_MAX + PLAYER.encode())
    except Problem:
        return
    pytest.fail("it was read")


async def a_time_is_a_number_in_reach(claim: Any) -> None:
    answer = await gateway_kit.gateway().get("/v1/users/me", bearer=token(exp=claim))
    assert answer.status == 401


async def a_key_that_cannot_be_read_says_nothing_of_the_others(keys: bytes) -> None:
    try:
        read = read_keys(keys, frozenset({"RS256"}))
    except Exception as error:
        pytest.fail(f"none was read: {error}")
    assert [key.key_id for key in read] == ["good"]


async def a_command_in_another_spelling_is_the_same() -> None:
    gateway = gateway_kit.gateway()
    await gateway.send(OFFER)
    again = await gateway.send({**dict(reversed(OFFER.items())), "objectives": []})
    assert again.json.get("replayed") is True


async def the_refusals_of_a_list_name_a_hundred_fields_together() -> None:
    fields = {f"field-{number}": 1 for number in range(60)}
    refusals = (await gateway_kit.gateway().send([{**ACKNOWLEDGE, **fields}] * 50)).json
    assert sum(len(each.get("errors", [])) for each in refusals) == 100


async def batch(gateway: Gateway, *commands: dict[str, Any]) -> list[dict[str, Any]]:
    packed = [("content-type", "application/msgpack"), ("accept", "application/msgpack")]
    answer = await gateway.request(
        "POST", "/v1/commands", bearer=SERVICE, headers=packed, body=msgpack.packb(commands)
    )
    outcomes: list[dict[str, Any]] = answer.msgpack
    return outcomes


async def each_command_of_a_batch_is_answered_in_its_place() -> None:
    users = ["alice", "bob", "alice", "me", "carol", "bob"]
    commands = [{**GRANT, "user_id": user, "command_id": f"c{n}"} for n, user in enumerate(users)]
    outcomes = await batch(gateway_kit.gateway(), *commands)
    assert [each["command_id"] for each in outcomes] == [each["command_id"] for each in commands]
    assert [each.get("version") for each in outcomes] == [1, 1, 2, None, 1, 2]


async def nothing_comes_of_a_dry_run() -> None:
    gateway = gateway_kit.gateway()
    await gateway.send(GRANT, query=b"dry_run=true")
    assert (await gateway.get("/v1/users/alice")).json["version"] == 0


async def a_page_ends_where_the_next_begins() -> None:
    gateway = gateway_kit.gateway()
    offers = [{**OFFER, "command_id": f"o{n}", "quest_id": f"q{n}"} for n in range(5)]
    await gateway.send(offers)
    first = (await gateway.get("/v1/users/alice/quests", query=b"limit=2")).json
    after = f"after={first['next_after']}".encode()
    rest = (await gateway.get("/v1/users/alice/quests", query=after)).json
    read = [row["quest_id"] for page in (first, rest) for row in page["quest_record"]]
    assert read == [offer["quest_id"] for offer in offers]
