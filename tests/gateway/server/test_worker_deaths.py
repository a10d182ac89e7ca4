"""Gateways that stop and die, one or all, and what is left of what they did."""

import asyncio
import http.client
import json
import os
import signal
from functools import partial
from pathlib import Path

import psutil
import pytest

from domain.rules.compiled_rules import compile_rules
from gateway.api.operations.cluster_endpoint import OwnCluster
from gateway.http.listener import Address
from gateway.metrics.counters import Metrics
from gateway.server.ipc_messages import WorkerConfig
from gateway.server.rules_reload import ServedRules
from gateway.server.supervisor import CannotStartWorker, Supervisor
from tests.gateway.gateway_kit import RULES_TEXT, a_local_cluster
from tests.gateway.server.workers_kit import (
    ALICE,
    GRANT,
    SERVICE,
    Connection,
    StartSeveral,
    answers_at_once,
    connect,
    gateways,
    grant,
    total_xp,
    worker_pids,
)
from tests.processes_kit import gone, until

pytestmark = pytest.mark.kills


def is_draining(connection: Connection) -> bool:
    return connection.get("/readyz").status == 503


def test_a_stop_begins_nothing_new_anywhere_and_finishes_what_any_gateway_accepted(
    start_several: StartSeveral, tmp_path: Path
) -> None:
    several = start_several()
    each, held = several.reach_each(), several.reach_each()
    for pid, connection in held.items():
        body = json.dumps({**GRANT, "command_id": f"held-{pid}"}).encode()
        connection.begin("POST", f"/v1/users/u{pid}/commands", body, SERVICE)
    until(partial(answers_at_once, each[several.primary], 3))
    os.kill(several.primary, signal.SIGTERM)
    for pid, connection in each.items():
        until(partial(is_draining, connection))
        assert grant(connection, f"late-{pid}").json["code"] == "draining"
    for pid, connection in held.items():
        answer = connection.finish()
        assert (answer.status, answer.json["version"]) == (200, 1), pid
    assert several.server.child.wait(20) == 0
    assert gone(several.workers)
    printed, errors = several.server.child.communicate()
    assert printed.endswith("Stopped.\n")
    assert errors == ""
    snapshots = [path for path in (tmp_path / "data" / "snapshots").rglob("*") if path.is_file()]
    assert sum(path.name.startswith("u") for path in snapshots) == 3


def test_a_killed_gateway_is_started_again_and_nothing_acknowledged_is_lost(
    start_several: StartSeveral,
) -> None:
    several = start_several()
    victims = set(several.workers)
    connections = [connection for _ in range(3) for connection in several.reach_each().values()]
    on_victims = sum(connection.pid in victims for connection in connections)
    broken, acknowledged = 0, 0
    for number in range(60):
        if number == 20:
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
        for slot, connection in enumerate(connections):
            while True:
                try:
                    answer = grant(connection, f"c{number}-{slot}", user=f"u{slot}")
                    break
                except (OSError, http.client.HTTPException):
                    broken += 1
                    connection.close()
                    connection = connect(several.url, [several.primary])
            connections[slot] = connection
            assert answer.status == 200
            acknowledged += 1
    assert broken >= on_victims
    assert acknowledged == 60 * len(connections)
    until(lambda: gateways(several) == 3)
    each = several.reach_each()
    assert victims.isdisjoint(each)
    for slot in range(len(connections)):
        for connection in each.values():
            assert total_xp(connection, f"u{slot}") == 60
    for connection in connections:
        connection.close()


def refuses_connections(url: str) -> bool:
    try:
        Connection(url, []).close()
    except ConnectionRefusedError:
        return True
    except (OSError, http.client.HTTPException):
        pass  # the kernel is just closing what a dead process had open
    return False


def test_when_the_primary_is_killed_no_worker_stays(start_several: StartSeveral) -> None:
    several = start_several()
    os.kill(several.primary, signal.SIGKILL)
    until(lambda: gone([several.primary, *several.workers]))
    until(lambda: refuses_connections(several.url))


def test_a_second_signal_leaves_at_once_with_every_gateway(start_several: StartSeveral) -> None:
    several = start_several()
    held = several.reach_each()[several.workers[0]]
    held.begin("POST", ALICE, b"{}", SERVICE)
    probe = several.reach_each()[several.primary]
    until(partial(answers_at_once, probe, 1))
    os.kill(several.primary, signal.SIGINT)
    several.server.until("Stopping")
    while several.server.child.poll() is None:
        os.kill(several.primary, signal.SIGINT)
    assert several.server.child.returncode == 130
    until(lambda: gone(several.workers))


def test_signals_are_the_primarys_to_take(start_several: StartSeveral) -> None:
    several = start_several()
    each = several.reach_each()
    for pid in several.workers:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
        assert grant(each[pid], f"c-{pid}").status == 200
    assert worker_pids(several.primary) == several.workers


async def test_a_gateway_that_does_not_begin_is_said_and_leaves_nothing_behind() -> None:
    before = psutil.Process().children()
    cluster = a_local_cluster()
    rules = ServedRules(compile_rules(RULES_TEXT), lambda: RULES_TEXT, cluster.change_rules)
    supervisor = Supervisor(Metrics(cluster, lambda: 0), rules, cluster.health, OwnCluster(cluster))
    config = WorkerConfig(1, {}, b"s" * 48, Address("198.51.100.1", 8080), RULES_TEXT, 1)

    async def nowhere(slot: int) -> str:
        return ""

    with pytest.raises(
        CannotStartWorker, match=r"Gateway 2: .*198\.51\.100\.1 cannot be listened on"
    ):
        await supervisor.start(1, config, nowhere)
    await supervisor.stop()
    assert psutil.Process().children() == before
    assert asyncio.all_tasks() == {asyncio.current_task()}
