"""What operators and services are told of the cluster; who is away although the server is ready."""

from typing import Any

from tests.gateway.gateway_kit import (
    OPERATOR,
    PLAYER,
    SERVICE,
    Answer,
    Gateway,
    ScriptedCluster,
    a_local_cluster,
    gateway,
)

STATUS = "/v1/operations/cluster"
AWAY = {"host": "users:3", "state": "away", "seconds": 12.5, "reason": "it does not answer"}


def with_a_host_away() -> Gateway:
    return gateway(ScriptedCluster(Exception("nobody is asked")))


async def test_hosts_are_shown_as_they_were_seen_last_to_services_and_operators() -> None:
    for bearer in (SERVICE, OPERATOR):
        answer = await with_a_host_away().get(STATUS, bearer=bearer)
        status: dict[str, Any] = answer.json
        assert (status["placement"], status["build"]) == ("packed", "build-1")
        assert [(host["name"], host["state"]) for host in status["hosts"]] == [("users:3", "away")]


async def test_a_user_is_found_on_their_host() -> None:
    answer = await with_a_host_away().get(f"{STATUS}/users/alice")
    assert (answer.json["user_id"], answer.json["host"]["node"]) == ("alice", "127.0.0.2")


async def scale_to_two(bearer: str) -> Answer:
    asked = with_a_host_away()
    return await asked.request("POST", f"{STATUS}/scale", query=b"hosts=2", bearer=bearer)


async def test_operators_have_as_many_hosts_as_they_ask_for() -> None:
    cluster = a_local_cluster()
    await cluster.start()
    asked = gateway(cluster)
    answer = await asked.request("POST", f"{STATUS}/scale", query=b"hosts=3", bearer=OPERATOR)
    assert [host["name"] for host in answer.json["hosts"]] == ["local", "local:1", "local:2"]
    for number in range(20):
        place = await asked.get(f"{STATUS}/users/user-{number}")
        assert place.json["host"]["state"] == "open"
    await cluster.drain()


async def test_a_size_that_cannot_be_is_refused_and_one_that_fails_may_be_asked_for_again() -> None:
    cluster = a_local_cluster()
    await cluster.start()
    asked = gateway(cluster)
    for query in (b"", b"hosts=0", b"hosts=two", b"hosts=17", b"others=2"):
        answer = await asked.request("POST", f"{STATUS}/scale", query=query, bearer=OPERATOR)
        assert (answer.status, answer.json["code"]) == (422, "invalid_field"), query
    await cluster.drain()
    answer = await scale_to_two(OPERATOR)
    assert (answer.status, answer.json["code"]) == (503, "user_unavailable")
    for bearer in (SERVICE, PLAYER):
        answer = await scale_to_two(bearer)
        assert answer.json["code"] == "not_allowed"


async def test_players_are_refused_and_ids_are_checked() -> None:
    asked = with_a_host_away()
    for path in (STATUS, f"{STATUS}/users/alice"):
        assert (await asked.get(path, bearer=PLAYER)).json["code"] == "not_allowed"
        assert (await asked.get(path, bearer=None)).status == 401
    assert (await asked.get(f"{STATUS}/users/..%2f")).json["code"] == "invalid_id"


async def test_readyz_names_the_hosts_that_are_away_although_it_is_ready() -> None:
    answer = await with_a_host_away().get("/readyz", bearer=None)
    assert (answer.status, answer.json) == (200, {"status": "ready", "hosts_away": [AWAY]})
    assert (await gateway().get("/readyz", bearer=None)).json == {"status": "ready"}
