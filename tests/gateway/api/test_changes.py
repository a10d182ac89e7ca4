"""`GET …/changes`: what was missed, or what happens next, for whoever has no live connection."""

import asyncio
from typing import Any

import pytest

from gateway.api.changes import long_poll
from tests.gateway.gateway_kit import PLAYER, Gateway, a_local_cluster
from tests.gateway.gateway_kit import gateway as make_gateway

AT = "/v1/users/alice/changes"


def grant(number: int) -> dict[str, Any]:
    return {
        "command_id": f"c-{number}",
        "type": "grant_player_progression_experience",
        "amount": 10,
    }


async def send(gateway: Gateway, *numbers: int) -> None:
    for number in numbers:
        assert (await gateway.send(grant(number))).status == 200


async def frames(gateway: Gateway, query: str = "", at: str = AT) -> list[dict[str, Any]]:
    answer = await gateway.get(at, query=query.encode())
    assert answer.status == 200, answer.content
    listed: list[dict[str, Any]] = answer.json
    return listed


async def era_of(gateway: Gateway) -> str:
    [state, _] = await frames(gateway)
    return str(state["era"])


async def waiting_for_news(gateway: Gateway, query: str) -> "asyncio.Task[list[dict[str, Any]]]":
    """A long poll that has come so far that it waits."""
    before = gateway.app.waits.count
    task = asyncio.create_task(frames(gateway, query))
    await waits(gateway, before + 1)
    return task


async def waits(gateway: Gateway, count: int) -> None:
    """Return once so many requests wait for a change."""
    async with asyncio.timeout(10):
        while gateway.app.waits.count < count:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_whoever_knows_nothing_gets_everything(gateway: Gateway) -> None:
    await send(gateway, 1)
    [state, caught_up] = await frames(gateway)
    assert (state["type"], state["version"], state["why"]) == ("state", 1, "first")
    assert state["player_progression"]["total_xp"] == 10
    assert caught_up == {"type": "caught_up", "version": 1}


async def test_what_was_missed_comes_version_by_version(gateway: Gateway) -> None:
    await send(gateway, 1, 2, 3)
    era = await era_of(gateway)
    for after in (f"{era}.1", "1"):
        [second, third, caught_up] = await frames(gateway, f"after={after}")
        assert [second["version"], third["version"], caught_up["version"]] == [2, 3, 3]
        assert second["type"] == third["type"] == "changes"
        assert [second["command_id"], third["command_id"]] == ["c-2", "c-3"]
        assert third["changes"]["player_progression"]["total_xp"] == 30
        assert "history" not in third["changes"]
        assert third["events"][0]["type"] == "experience_granted"


@pytest.mark.parametrize("query", ["", "&wait_ms=0", "&wait_ms=1"])
async def test_whoever_missed_nothing_is_told_so(gateway: Gateway, query: str) -> None:
    await send(gateway, 1)
    era = await era_of(gateway)
    assert await frames(gateway, f"after={era}.1{query}") == [{"type": "caught_up", "version": 1}]
    assert gateway.app.metrics.resumes == {"changes": 1}


@pytest.mark.parametrize(
    ("after", "why"), [("other.1", "era"), ("{era}.9", "ahead"), ("9", "ahead")]
)
async def test_a_position_that_is_none_gets_everything(
    gateway: Gateway, after: str, why: str
) -> None:
    await send(gateway, 1)
    era = await era_of(gateway)
    [state, _] = await frames(gateway, f"after={after.format(era=era)}&wait_ms=30000")
    assert (state["why"], state["version"]) == (why, 1)
    assert gateway.app.metrics.resumes == {why: 1}


async def test_a_poll_is_answered_once_something_happens(gateway: Gateway) -> None:
    await send(gateway, 1)
    era = await era_of(gateway)
    poll = await waiting_for_news(gateway, f"after={era}.1&wait_ms=30000")
    await send(gateway, 2)
    [change, caught_up] = await poll
    assert (change["version"], change["command_id"]) == (2, "c-2")
    assert caught_up == {"type": "caught_up", "version": 2}


async def test_frames_are_the_same_in_msgpack(gateway: Gateway) -> None:
    await send(gateway, 1, 2)
    answer = await gateway.get(AT, query=b"after=1", headers=[("accept", "application/msgpack")])
    assert answer.msgpack == await frames(gateway, "after=1")
    whole = await gateway.get(AT, headers=[("accept", "application/msgpack")])
    assert whole.msgpack == await frames(gateway)


@pytest.mark.parametrize(
    "query", ["after=", "after=x", "after=.1", "after=a.01", "wait_ms=30001", "wait_ms=-1", "x=1"]
)
async def test_a_query_that_is_wrong_is_refused(gateway: Gateway, query: str) -> None:
    answer = await gateway.get(AT, query=query.encode())
    assert (answer.status, answer.code) == (422, "invalid_field")


async def test_a_player_polls_nobody_else(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/users/bob/changes", bearer=PLAYER)
    assert (answer.status, answer.code) == (403, "not_your_user")
    assert (await gateway.get("/v1/users/me/changes", bearer=PLAYER)).status == 200


async def test_whoever_waits_takes_no_room_from_others() -> None:
    cluster = a_local_cluster()
    await cluster.start()
    gateway = make_gateway(cluster, requests_in_flight_max=1)
    polls = [await waiting_for_news(gateway, "after=0&wait_ms=30000") for _ in range(2)]
    await send(gateway, 1)
    for poll in polls:
        assert [frame["version"] for frame in await poll] == [1, 1]
    await cluster.drain()


async def test_whoever_waits_is_answered_when_the_server_stops(gateway: Gateway) -> None:
    poll = await waiting_for_news(gateway, "after=0&wait_ms=30000")
    gateway.app.drain()
    assert await poll == [{"type": "caught_up", "version": 0}]
    assert await gateway.app.wait_idle(5)


async def test_a_read_waits_for_the_version_it_is_to_show(gateway: Gateway) -> None:
    await send(gateway, 1)
    at = "/v1/users/alice/progression"
    early = asyncio.create_task(gateway.get(at, query=b"min_version=2"))
    await waits(gateway, 1)
    await send(gateway, 2)
    assert (await early).json["version"] == 2
    assert (await gateway.get(at, query=b"min_version=2")).json["version"] == 2


@pytest.mark.parametrize(
    "path", ["", "/progression", "/quests", "/battles", "/history", "/quests/q"]
)
async def test_a_version_that_does_not_come_is_an_unknown_outcome(
    gateway: Gateway, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_poll, "VERSION_SECONDS", 0.01)
    answer = await gateway.get(f"/v1/users/alice{path}", query=b"min_version=1")
    assert (answer.status, answer.code) == (504, "outcome_unknown")
    assert "min_version is 1" in answer.json["detail"]
