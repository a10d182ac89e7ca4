"""`POST /v1/commands`: commands of many users in one body."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgpack
import pytest

from actors.errors import OutcomeUnknown
from actors.messages import Ask, Reply, Request, answered, refused
from gateway.api.commands.execution import ASKED_TOGETHER_MAX, AT_A_HOST_MAX
from gateway.options import BATCH_MAX
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import OPERATOR, PLAYER, SERVICE, Answer, Gateway, ScriptedCluster

MSGPACK = [("content-type", "application/msgpack"), ("accept", "application/msgpack")]


def grant(user_id: str, command_id: str, amount: int = 10) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "command_id": command_id,
        "type": "grant_player_progression_experience",
        "amount": amount,
    }


def grant_alone(command_id: str) -> dict[str, Any]:
    return {name: value for name, value in grant("", command_id).items() if name != "user_id"}


async def post(gateway: Gateway, body: Any, bearer: str | None = SERVICE) -> Answer:
    content = msgpack.packb(body)
    return await gateway.request(
        "POST", "/v1/commands", bearer=bearer, headers=MSGPACK, body=content
    )


async def test_each_command_is_answered_in_its_place(gateway: Gateway) -> None:
    body = [
        grant("alice", "a1"),
        grant("bob", "b1", 500),
        {**grant("bob", "b2"), "amount": -1},
        {"user_id": "carol", "command_id": "c1", "type": "turn_in_quest", "quest_id": "q"},
        grant("alice", "a2"),
        grant("bob", "b1", 500),
    ]
    answer = await post(gateway, body)
    assert answer.status == 200
    outcomes = answer.msgpack
    assert [(each["command_id"], each.get("code", each.get("version"))) for each in outcomes] == [
        ("a1", 1),
        ("b1", 1),
        ("b2", "invalid_field"),
        ("c1", "quest_not_found"),
        ("a2", 2),
        ("b1", 1),
    ]
    assert [each.get("user_id") for each in outcomes] == [
        *("alice", "bob", "bob", "carol", "alice", "bob")
    ]
    assert [each["replayed"] for each in outcomes if "replayed" in each] == [False] * 3 + [True]


@pytest.mark.parametrize("media", [MSGPACK, [("content-type", "application/msgpack")]])
@pytest.mark.parametrize("prefer", [[], [("prefer", "return=minimal")]])
async def test_every_entry_says_whose_it_is_and_is_otherwise_what_the_host_wrote(
    gateway: Gateway, media: list[tuple[str, str]], prefer: list[tuple[str, str]]
) -> None:
    body = msgpack.packb([grant("alice", "a1"), grant("al:ic@e-2", "a1"), grant("bob", "b", -1)])
    batch = await gateway.request("POST", "/v1/commands", headers=[*media, *prefer], body=body)
    entries = batch.msgpack if len(media) == 2 else batch.json
    assert [each["user_id"] for each in entries] == ["alice", "al:ic@e-2", "bob"]
    alone = await gateway.send(grant_alone("a1"), headers=prefer)
    assert entries[0] == {**alone.json, "user_id": "alice", "replayed": False}


async def test_a_thousand_commands_of_many_users_run_in_order_for_each() -> None:
    gateway = gateway_kit.gateway(body_bytes_max=1 << 20)
    users = [f"u{number}" for number in range(BATCH_MAX // 2)]
    outcomes = (
        await post(gateway, [grant(user, f"c{n}") for n in (1, 2) for user in users])
    ).msgpack
    assert [each["version"] for each in outcomes] == [1] * len(users) + [2] * len(users)


WHOLE = {
    "too many": ([0] * (BATCH_MAX + 1), SERVICE, "invalid_field"),
    "one command": (grant("a", "c"), SERVICE, "malformed_body"),
    "a number": (5, SERVICE, "malformed_body"),
    "a player's": ([], PLAYER, "not_allowed"),
    "nobody's": ([], None, "unauthenticated"),
}


@pytest.mark.parametrize(("body", "bearer", "code"), WHOLE.values(), ids=WHOLE.keys())
async def test_a_body_that_is_no_batch_is_refused_as_a_whole(
    gateway: Gateway, body: Any, bearer: str | None, code: str
) -> None:
    answer = await post(gateway, body, bearer)
    assert answer.msgpack["code"] == code


@pytest.mark.parametrize("user_id", ["me", "", "../x", "a b", 5, None, ["alice"], "x" * 129])
async def test_a_command_of_nobody_is_refused_in_its_place(gateway: Gateway, user_id: Any) -> None:
    body = [{**grant("alice", "c1"), "user_id": user_id}, grant("alice", "c2")]
    wrong, right = (await post(gateway, body, OPERATOR)).msgpack
    assert (wrong["code"], wrong["command_id"], "user_id" in wrong) == ("invalid_id", "c1", False)
    assert right["version"] == 1


async def test_what_is_no_command_is_refused_in_its_place(gateway: Gateway) -> None:
    nobody = {name: value for name, value in grant("a", "c").items() if name != "user_id"}
    outcomes = (await post(gateway, [7, None, nobody, {"user_id": "a"}])).msgpack
    codes = [outcome["code"] for outcome in outcomes]
    assert codes == ["malformed_body", "malformed_body", "invalid_id", "invalid_field"]
    assert "user_id is missing" in outcomes[2]["detail"]


async def test_an_empty_batch_answers_an_empty_list(gateway: Gateway) -> None:
    assert (await post(gateway, [])).msgpack == []


class TwoHosts(ScriptedCluster):
    """Users from `a` on are served; those from `b` on have a host that does not answer."""

    def __init__(self) -> None:
        super().__init__(answered(msgpack.packb(REPLY)))
        self.pieces: list[list[str]] = []
        self.both_were_asked = asyncio.Event()

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.pieces.append([request.user_id for request in requests])
        assert len({self.host_of(request.user_id) for request in requests}) == 1
        if len({piece[0][0] for piece in self.pieces}) == 2:
            self.both_were_asked.set()
        await self.both_were_asked.wait()  # neither waits for the other
        if requests[0].user_id.startswith("b"):
            raise OutcomeUnknown("no reply in time")
        return await super().ask(requests)


REPLY = {
    "user_id": "a",
    "command_id": "c",
    "version": 1,
    "replayed": False,
    "changes": {},
    "events": [],
}


async def test_each_host_is_asked_by_itself_and_one_that_is_away_costs_its_own_users_only() -> None:
    cluster = TwoHosts()
    gateway = gateway_kit.gateway(cluster)
    users = ["a1", "b1", "a2", "b2", "a1"]
    answer = await post(gateway, [grant(user, f"c{n}") for n, user in enumerate(users)])
    assert sorted(cluster.pieces) == [["a1", "a2", "a1"], ["b1", "b2"]]
    outcomes = answer.msgpack
    assert [each.get("code") for each in outcomes] == [None, "outcome_unknown"] * 2 + [None]
    lost = [each for each in outcomes if "code" in each]
    assert [(each["user_id"], each["command_id"]) for each in lost] == [("b1", "c1"), ("b2", "c3")]
    assert all(each["retry_after_ms"] for each in lost)


async def test_a_host_gets_a_large_batch_in_pieces_in_order() -> None:
    cluster = ScriptedCluster(answered(msgpack.packb(REPLY)))
    pieces: list[int] = []
    ask = cluster.ask

    async def counted(requests: Sequence[Request]) -> list[Reply]:
        pieces.append(len(requests))
        return await ask(requests)

    cluster.ask = counted  # type: ignore[method-assign]
    await post(gateway_kit.gateway(cluster), [grant("a", f"c{number}") for number in range(250)])
    assert pieces == [100, 100, 50]
    sent = [request.command_id for request in cluster.asked if isinstance(request, Ask)]
    assert sent == [f"c{number}" for number in range(250)]


class OneByOne(ScriptedCluster):
    """Answers when it is told to, the oldest first."""

    def __init__(self) -> None:
        super().__init__(answered(msgpack.packb(REPLY)))
        self.waiting: deque[asyncio.Event] = deque()
        self.sent: list[str] = []

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.sent += [request.command_id for request in requests if isinstance(request, Ask)]
        self.waiting.append(event := asyncio.Event())
        await event.wait()
        return await super().ask(requests)


async def test_a_host_has_few_pieces_of_a_large_batch_at_a_time() -> None:
    cluster = OneByOne()
    commands = [grant("a", f"c{number}") for number in range(5 * ASKED_TOGETHER_MAX)]
    posting = asyncio.create_task(
        post(gateway_kit.gateway(cluster, body_bytes_max=1 << 20), commands)
    )
    while not posting.done():
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(cluster.waiting) * ASKED_TOGETHER_MAX <= AT_A_HOST_MAX
        if cluster.waiting:
            cluster.waiting.popleft().set()
    assert len((await posting).msgpack) == len(commands)
    assert cluster.sent == [command["command_id"] for command in commands]


async def test_commands_of_a_batch_are_counted_by_type_and_outcome() -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(refused("user_busy", "full", 250)))
    await post(gateway, [grant("a", "c"), grant("b", "c"), 5])
    commands = gateway.app.metrics.snapshot().commands
    assert commands == {
        ("grant_player_progression_experience", "user_busy"): 2,
        ("unknown", "malformed_body"): 1,
    }
