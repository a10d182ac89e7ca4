"""Packed placement on real Ray: two hosts for all users, frames on sockets, and hosts that die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from actors.cluster.packed import PackedCluster
from actors.cluster.placement import slot_of
from actors.cluster.ray_runtime import RayActors
from actors.cluster.remote_hosts import RemoteHosts
from actors.host.settings import HostSettings
from actors.messages import View
from tests.actors.host_kit import RULES_TEXT, body, grant, look, settings
from tests.conformance.cluster_kit import (
    CHECKS,
    OTHER_RULES,
    OTHER_RULES_TEXT,
    Check,
    rules_of,
)
from tests.conformance.watched_kills_kit import watchers_outlast_kills

pytestmark = [pytest.mark.ray, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def host_settings(tmp_path_factory: pytest.TempPathFactory) -> HostSettings:
    folder = tmp_path_factory.mktemp("ray") / "store"
    return settings(store_url=f"file://{folder}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(host_settings: HostSettings) -> AsyncIterator[PackedCluster]:
    actors = RayActors(host_settings, "local")
    started = PackedCluster(host_settings, actors, hosts=2, ask_timeout_seconds=60)
    await started.start()
    await started.ask([grant("sleepy", "c")])  # and then nothing for a while
    yield started
    await started.drain()


async def host_pids(cluster: PackedCluster) -> dict[str, int]:
    """Living hosts as Ray lists them: name -> process id."""
    import ray
    from ray.util.state import list_actors

    ours = ray.get_runtime_context().gcs_address  # others may run on this machine

    listed: Any = await asyncio.to_thread(
        list_actors, ours, filters=[("state", "=", "ALIVE")], limit=1_000, detail=True
    )
    return {one.name: one.pid for one in listed if one.ray_namespace == cluster.actors.namespace}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_packed_placement_keeps_the_contract(check: Check, cluster: PackedCluster) -> None:
    await check(cluster)


async def test_two_hosts_share_all_users(cluster: PackedCluster) -> None:
    users = [f"shared-{n}" for n in range(200)]
    await asyncio.gather(*(cluster.ask([grant(user, "c", 3)]) for user in users))
    assert set(await host_pids(cluster)) == {"users:0", "users:1"}
    assert {slot_of(user, 2) for user in users} == {0, 1}
    for user in users:
        (read,) = await cluster.ask([look(user)])
        assert body(read)["player_progression"]["total_xp"] == 3


async def test_whoever_is_quiet_falls_asleep_by_themselves_and_answers_again(
    cluster: PackedCluster,
) -> None:
    """Runs after others, so that most of the time until then has passed."""
    async with asyncio.timeout(60):
        while cluster.activity().users_hibernated == 0:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)  # the hosts tell from time to time
    (again,) = await cluster.ask([grant("sleepy", "c")])
    assert body(again)["replayed"]
    assert body(again)["version"] == 1


async def test_a_killed_host_comes_back_and_every_command_has_one_effect(
    cluster: PackedCluster,
) -> None:
    users = [f"killed-{n}" for n in range(40)]

    async def play(user: str) -> list[int]:
        return [
            body((await cluster.ask([grant(user, f"c{n}", 1)]))[0])["version"] for n in range(50)
        ]

    playing = [asyncio.create_task(play(user)) for user in users]
    while body((await cluster.ask([look(users[0])]))[0])["version"] < 10:
        pass
    for pid in (await host_pids(cluster)).values():
        os.kill(pid, signal.SIGKILL)
    for task in playing:
        assert await task == list(range(1, 51))
    for user in users:
        (read,) = await cluster.ask([look(user)])
        assert body(read)["player_progression"]["total_xp"] == 50


async def test_watchers_at_two_gateways_see_every_version_though_hosts_are_killed(
    cluster: PackedCluster,
) -> None:
    async def kill() -> None:
        for pid in (await host_pids(cluster)).values():
            os.kill(pid, signal.SIGKILL)

    worker = RemoteHosts(cluster.hosts, cluster.find, ask_timeout_seconds=60)
    users = [f"watched-{number}" for number in range(4)]
    try:
        await watchers_outlast_kills([cluster, worker], users, changes=400, kills=4, kill=kill)
    finally:
        worker.close()


async def test_a_host_that_does_not_answer_is_named_until_it_does(cluster: PackedCluster) -> None:
    assert await cluster.health() == ""
    pids = await host_pids(cluster)
    os.kill(pids["users:1"], signal.SIGSTOP)
    try:
        assert await cluster.health() == ""  # the other's users are served
        while cluster.activity().hosts_away != ("users:1",):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)
        os.kill(pids["users:0"], signal.SIGSTOP)
        both = "host 1 of 2: it does not answer; host 2 of 2: it does not answer"
        assert await cluster.health() == both
    finally:
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
    assert await cluster.health() == ""
    while cluster.activity().hosts_away:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.1)


async def test_a_host_that_died_is_logged_counted_and_healthy_again(
    cluster: PackedCluster,
) -> None:
    await asyncio.gather(*(cluster.ask([look(f"anyone-{n}")]) for n in range(20)))  # both are found
    while await cluster.health():
        pass
    deaths = cluster.activity().host_deaths
    pid = (await host_pids(cluster))["users:0"]
    with capture_logs() as logged:
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while cluster.activity().host_deaths == deaths:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.1)
            while await cluster.health():
                pass
    died = [line for line in logged if line["event"] == "a host died"]
    assert [(line["host"], line["process_id"]) for line in died] == [("users:0", pid)]


async def test_a_host_that_comes_back_is_told_the_new_rules_first(cluster: PackedCluster) -> None:
    users = [f"ruled-{n}" for n in range(20)]
    await cluster.change_rules(OTHER_RULES_TEXT)
    try:
        for pid in (await host_pids(cluster)).values():
            os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*(cluster.ask([grant(user, "c", 1)]) for user in users))
        for user in users:
            assert await rules_of(cluster, user) == [OTHER_RULES]
    finally:
        await cluster.change_rules(RULES_TEXT)


async def test_a_user_being_loaded_holds_nobody_up(cluster: PackedCluster) -> None:
    users = [f"mixed-{n}" for n in range(50)]
    await asyncio.gather(*(cluster.ask([grant(user, "c", 1)]) for user in users[:25]))
    replies = await asyncio.gather(*(cluster.ask([look(user)]) for user in users))
    assert [body(reply)["version"] for (reply,) in replies] == [1] * 25 + [0] * 25


async def test_a_receipt_is_read_through_the_socket_like_everything_else(
    cluster: PackedCluster,
) -> None:
    (first,) = await cluster.ask([grant("receipt", "c", 1)])
    (receipt,) = await cluster.ask([look("receipt", View.COMMAND, "c")])
    assert body(receipt) == {**body(first), "replayed": True}
