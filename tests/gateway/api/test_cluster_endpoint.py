"""What operators and services are told of the cluster; who is away although the server is ready."""

from typing import Any

from tests.gateway.gateway_kit import OPERATOR, PLAYER, SERVICE, Gateway, ScriptedCluster, gateway

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
