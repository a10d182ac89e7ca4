"""Several gateway processes over packed hosts on Ray: a story with every kind of death in it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.rules.compiled_rules import compile_rules
from tests.end_to_end.load_kit import GRANT, Load
from tests.end_to_end.server_kit import Server
from tests.gateway.gateway_kit import RULES_TEXT
from tests.gateway.server.rules_kit import OTHER_TEXT
from tests.gateway.server.workers_kit import (
    Connection,
    counters,
    reach_each,
    worker_pids,
)
from tests.processes_kit import gone, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

OPTIONS = ("--placement", "packed", "--hosts", "2", "--gateways", "3", "--rules", "rules.toml")
USERS = [f"player-{n}" for n in range(6)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "rules.toml").write_text(RULES_TEXT)
    started = Server(tmp_path, *OPTIONS)
    yield started
    started.end()


def gateway_pids(server: Server) -> list[int]:
    return [server.process.pid, *worker_pids(server.process.pid)]


def each_total(server: Server, token: str, users: list[str]) -> list[dict[str, int]]:
    """What each gateway says that these players have."""
    found = []
    for connection in reach_each(server.url, gateway_pids(server)).values():
        totals = {}
        for user in users:
            answer = connection.get(f"/v1/users/{user}/progression", token)
            totals[user] = answer.json["player_progression"]["total_xp"]
        found.append(totals)
        connection.close()
    return found


def test_gateways_and_hosts_die_under_load_and_every_command_has_one_effect(
    server: Server, tmp_path: Path
) -> None:
    token = server.token("--service", "game")
    operator = server.token("--operator", "ops")
    load = Load(USERS)
    try:
        load.play(server)
        load.goes_on()
        for _ in range(2):
            before = worker_pids(server.process.pid)
            assert len(before) == 2
            os.kill(before[0], signal.SIGKILL)
            load.goes_on()
            until(lambda old=before: len(set(worker_pids(server.process.pid)) - set(old)) == 1)
        for host in server.user_processes():
            host.kill()
        load.goes_on()
        (tmp_path / "rules.toml").write_text(OTHER_TEXT)
        fingerprint = compile_rules(OTHER_TEXT).fingerprint
        reloading = Connection(server.url, gateway_pids(server))
        answer = reloading.request("POST", "/v1/operations/rules/reload", token=operator)
        assert answer.json["fingerprint"] == fingerprint
        reloading.close()
        load.goes_on()
    finally:
        load.stop()
    assert each_total(server, token, USERS) == [load.acknowledged] * 3
    for connection in reach_each(server.url, gateway_pids(server)).values():
        assert connection.get("/v1/rules", token).json["fingerprint"] == fingerprint
        counted = counters(connection.get("/metrics"))
        assert counted[("questkeep_gateways",)] == 3
        assert counted[("questkeep_user_retries_total",)] >= 1
        connection.close()
    workers = worker_pids(server.process.pid)
    assert server.stop() == 0
    assert gone(workers)


def test_when_the_primary_is_killed_nothing_stays_and_the_next_server_has_everything(
    server: Server, tmp_path: Path
) -> None:
    token = server.token("--service", "game")
    each = reach_each(server.url, gateway_pids(server))
    for pid, connection in each.items():
        command = {"command_id": f"c-{pid}", "type": GRANT, "amount": 5}
        answer = connection.request("POST", f"/v1/users/{USERS[0]}/commands", command, token)
        assert answer.status == 200
        connection.close()
    hosts = [host.pid for host in server.user_processes()]
    workers = worker_pids(server.process.pid)
    server.process.kill()
    until(lambda: gone(workers))
    until(lambda: gone(hosts))
    server.kill()  # Ray's own processes take a little longer
    again = Server(tmp_path, *OPTIONS)
    try:
        assert each_total(again, token, USERS[:1]) == [{USERS[0]: 15}] * 3
    finally:
        again.end()
