"""What is counted, and under which labels."""

import re

from prometheus_client.parser import text_string_to_metric_families

from actors.messages import refused
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, Gateway, ScriptedCluster


async def counted(gateway: Gateway, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by its labels' values, in the order of the labels' names."""
    answer = await gateway.get("/metrics", bearer=None)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
        if sample.name == name
    }


async def test_requests_are_counted_by_route_method_status_and_code(gateway: Gateway) -> None:
    await gateway.send(ACKNOWLEDGE)
    await gateway.send(b"{")
    await gateway.get("/v1/users/alice")
    await gateway.get("/v1/users/bob")
    await gateway.get("/nothing")
    await gateway.request("BREW", "/v1/users/alice")
    requests = await counted(gateway, "questkeep_http_requests_total")
    commands, user = "/v1/users/{user_id}/commands", "/v1/users/{user_id}"
    assert requests == {
        ("", "POST", commands, "200"): 1,
        ("malformed_body", "POST", commands, "400"): 1,
        ("", "GET", user, "200"): 2,
        ("not_found", "(other)", "(none)", "404"): 1,
        ("method_not_allowed", "(other)", user, "405"): 1,
    }
    seconds = await counted(gateway, "questkeep_http_request_seconds_count")
    assert seconds[(commands,)] == 2


async def test_commands_are_counted_by_type_and_outcome(gateway: Gateway) -> None:
    turn_in = {"type": "turn_in_quest", "command_id": "k", "quest_id": "q"}
    await gateway.send([ACKNOWLEDGE, turn_in, {"type": "x" * 100}, {"type": 5}, 7, {}])
    await gateway.send(turn_in)
    assert await counted(gateway, "questkeep_commands_total") == {
        ("ok", "acknowledge_level_ups"): 1,
        ("quest_not_found", "turn_in_quest"): 2,
        ("unknown_command", "unknown"): 1,
        ("invalid_field", "unknown"): 2,
        ("malformed_body", "unknown"): 1,
    }


async def test_commands_that_did_not_get_through_are_counted_too() -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(refused("user_busy", "full", 250)))
    await gateway.send([ACKNOWLEDGE, ACKNOWLEDGE])
    outcomes = await counted(gateway, "questkeep_commands_total")
    assert outcomes == {("user_busy", "acknowledge_level_ups"): 2}


async def test_the_cluster_s_numbers_are_those_of_now() -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(refused("user_busy", "full")))
    for name, value in (
        ("questkeep_users_active", 1),
        ("questkeep_users_asleep", 5),
        ("questkeep_user_activations_total", 2),
        ("questkeep_user_passivations_total", 3),
        ("questkeep_user_retries_total", 4),
        ("questkeep_http_requests_in_flight", 0),
    ):
        assert await counted(gateway, name) == {(): value}
    for name, value in (
        ("questkeep_host_away", 1),
        ("questkeep_journal_batches", 7),
        ("questkeep_journal_fold_seconds", 0.25),
    ):
        assert await counted(gateway, name) == {("3",): value}


async def test_no_id_of_a_user_or_anything_else_is_a_label(gateway: Gateway) -> None:
    for path in ("/v1/users/sherlock", "/v1/users/sherlock/chapters/sherlock", "/sherlock"):
        await gateway.get(path)
    text = (await gateway.get("/metrics", bearer=None)).content.decode()
    assert not re.search("sherlock", text)
