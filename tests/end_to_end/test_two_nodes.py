"""A server that joins a Ray cluster of two nodes: users on both, and a node that dies.

The tests share the cluster, and the last ones take it apart: order matters.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from actors.cluster.placement import slot_of
from gateway.server.serve import EXIT_FAILED, EXIT_TAKEN_OVER
from tests.end_to_end.ray_nodes_kit import RayCluster
from tests.end_to_end.server_kit import Client, Server, environment
from tests.processes_kit import until
from tests.s3_kit import new_bucket

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

USERS = [f"player-{n}" for n in range(12)]


@pytest.fixture(scope="module")
def bucket(s3: str) -> tuple[str, dict[str, str]]:
    variables = {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_REGION": "us-east-1",
    }
    return new_bucket(s3), variables


@pytest.fixture(scope="module")
def ray(
    bucket: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayCluster]:
    cluster = RayCluster(tmp_path_factory.mktemp("ray"), **bucket[1])
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def joined(
    bucket: tuple[str, dict[str, str]], ray: RayCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The first server."""
    server = join(bucket, ray, tmp_path_factory.mktemp("first"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def second(
    bucket: tuple[str, dict[str, str]], ray: RayCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Another one on the same store; it takes over when it is first asked for."""
    server = join(bucket, ray, tmp_path_factory.mktemp("second"))
    yield server
    server.end()


def join(bucket: tuple[str, dict[str, str]], ray: RayCluster, folder: Path) -> Server:
    url, variables = bucket
    options = ("--ray", ray.address, "--placement", "packed", "--store", url)
    return Server(folder, *options, **variables, **ray.variables)


def test_a_folder_as_store_is_refused_on_two_nodes_unless_they_share_it(
    ray: RayCluster, tmp_path: Path
) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "cli", "serve", "--port", "0", "--ray", ray.address],
        cwd=tmp_path,
        env={**environment(), **ray.variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 2
    assert "is on one machine" in refused.stderr
    assert "has 2 nodes (127.0.0.2" in refused.stderr
    assert "--file-store shared" in refused.stderr


def test_hosts_are_spread_and_the_far_one_is_reached_over_tcp(
    joined: Server, ray: RayCluster
) -> None:
    (near,), (far,) = ray.head.hosts(), ray.worker.hosts()
    service = joined.client("--service", "game")
    for user in USERS:
        assert grant(service, user, "first") == 1
    assert {slot_of(user, 2) for user in USERS} == {0, 1}
    assert len(channels(joined, far)) == 1
    assert channels(joined, near) == []  # a Unix socket


def channels(server: Server, host: psutil.Process) -> list[int]:
    """The server's connections to a port on which the host listens for gateways."""
    ports = {
        one.laddr.port
        for one in host.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.ip == "127.0.0.2"
    }
    return [
        one.raddr.port
        for one in psutil.Process(server.process.pid).net_connections("tcp")
        if one.status == psutil.CONN_ESTABLISHED and one.raddr.port in ports
    ]


def test_a_gateway_of_its_own_serves_the_same_users_and_its_death_is_nobody_elses(
    bucket: tuple[str, dict[str, str]], joined: Server, ray: RayCluster
) -> None:
    url, variables = bucket
    options = ("--ray", ray.address, "--placement", "packed", "--store", url)
    more = {**variables, **ray.variables}
    gateway = Server(joined.folder, *options, command="gateway", **more)  # the same secret
    try:
        there, here = gateway.client("--service", "game"), joined.client("--service", "game")
        assert httpx.get(f"{gateway.url}/readyz").json() == {"status": "ready"}
        for user in USERS:
            assert grant(there, user, "first") == 1  # the first reply, from another gateway
            assert grant(there, f"{user}-there", "c") == 1
            assert total_xp(here, f"{user}-there") == 1
        gateway.process.kill()
        for user in USERS:
            assert grant(here, f"{user}-there", "d") == 2
    finally:
        gateway.end()


def test_users_of_a_dead_node_come_back_on_the_other_with_nothing_lost_or_doubled(
    joined: Server, ray: RayCluster
) -> None:
    first_round = threading.Barrier(len(USERS) + 1)
    versions: dict[str, list[int]] = {}

    service = joined.client("--service", "game")

    def play(user: str) -> None:
        versions[user] = [grant(service, user, f"early-{n}") for n in range(3)]
        first_round.wait(60)
        versions[user] += [grant(service, user, f"late-{n}") for n in range(5)]

    playing = [threading.Thread(target=play, args=[user]) for user in USERS]
    for one in playing:
        one.start()
    first_round.wait(60)
    ray.worker.kill()
    for one in playing:
        one.join(90)
    assert versions == {user: list(range(2, 10)) for user in USERS}
    for user in USERS:
        assert total_xp(service, user) == 9
    assert len(ray.head.hosts()) == 2

    def missed() -> bool:
        status = service.get("/v1/operations/cluster").json()
        states = {(node["address"] == "127.0.0.2", node["state"]) for node in status["nodes"]}
        return status["nodes_expected"] == 2 and states == {(False, "alive"), (True, "lost")}

    until(missed)
    assert service.get("/v1/operations/cluster").json()["head"]["reachable"]
    assert "a node is lost" in joined.log()


def test_a_newer_server_shuts_out_the_one_that_still_runs(
    bucket: tuple[str, dict[str, str]], joined: Server, second: Server, ray: RayCluster
) -> None:
    newer = second.client("--service", "game")
    for user in USERS:
        assert grant(newer, user, "late-4") == 9  # the first reply, once more
        assert grant(newer, user, "newer") == 10
    older = joined.client("--service", "game")
    for user in USERS:
        with suppress(httpx.TransportError):  # it ends meanwhile
            refused = older.post(user, command(user, "older"))
            assert refused.status_code == 503
            assert refused.json()["code"] in ("user_unavailable", "draining")
    assert joined.wait() == EXIT_TAKEN_OVER
    log = (joined.folder / "server.log").read_text()
    assert "another server has taken over" in log
    assert [grant(newer, user, "newest") for user in USERS] == [11] * len(USERS)


def test_hosts_that_a_killed_server_left_are_ended_by_the_next_which_ends_its_own_when_it_stops(
    bucket: tuple[str, dict[str, str]], second: Server, ray: RayCluster, tmp_path: Path
) -> None:
    second.kill()
    left = ray.head.hosts()
    assert left
    third = join(bucket, ray, tmp_path)
    try:
        assert psutil.wait_procs(left, timeout=30)[1] == []
        service = third.client("--service", "game")
        for user in USERS:
            assert grant(service, user, "newest") == 11
            assert grant(service, user, "last") == 12
            assert total_xp(service, user) == 12
        mine = ray.head.hosts()
        assert mine
        assert third.stop() == 0
        assert psutil.wait_procs(mine, timeout=30)[1] == []
    finally:
        third.end()


def test_on_the_one_node_that_is_left_a_folder_will_do(ray: RayCluster, tmp_path: Path) -> None:
    server = Server(tmp_path, "--ray", ray.address, "--placement", "packed", **ray.variables)
    try:
        service = server.client("--service", "game")
        assert grant(service, "folder", "c") == 1
        assert len(ray.head.hosts()) == 1
        assert server.stop() == 0
    finally:
        server.end()
    assert (tmp_path / "data" / "snapshots").exists()


def test_a_silent_head_is_told_and_one_that_is_another_now_ends_the_server(
    ray: RayCluster, tmp_path: Path
) -> None:
    server = Server(tmp_path, "--ray", ray.address, "--placement", "packed", **ray.variables)
    try:
        service = server.client("--service", "game")
        assert grant(service, "silent", "before") == 1
        ray.head.gcs().suspend()
        until(lambda: "the head is silent" in server.log())
        assert grant(service, "silent", "meanwhile") == 2  # hosts serve on
        ray.head.gcs().resume()
        until(lambda: "the head answers again" in server.log())
        ray.head.replace_gcs()
        assert server.wait() == EXIT_FAILED
    finally:
        server.end()
    log = (tmp_path / "server.log").read_text()
    assert "another Ray cluster answers" in log or "Ray's raylet on this machine ended" in log


def command(user: str, command_id: str) -> dict[str, object]:
    return {
        "command_id": f"{user}-{command_id}",
        "type": "grant_player_progression_experience",
        "amount": 1,
    }


def grant(service: Client, user: str, command_id: str) -> int:
    """The version after a grant of 1, asked under the same id until it is answered."""
    while True:
        try:
            response = service.post(user, command(user, command_id))
        except httpx.TransportError:
            continue
        if response.status_code == 200:
            version: int = response.json()["version"]
            return version
        assert response.status_code in (503, 504), response.text


def total_xp(service: Client, user: str) -> int:
    row = service.get(f"/v1/users/{user}/progression").json()
    total: int = row["player_progression"]["total_xp"]
    return total
