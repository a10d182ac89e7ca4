"""Dedicated placement on real Ray: one process per active user, and what their deaths do.

One Ray for all tests of this file: it takes seconds to start.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from actors.cluster.dedicated import USERS_ASKED, DedicatedCluster
from actors.cluster.ray_runtime import RayActors
from actors.errors import Overloaded
from actors.host.settings import HostSettings
from persistence.disk.store import DiskStore
from persistence.journal.recovery import fold
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

USERS_MAX = 12


@pytest.fixture(scope="module")
def host_settings(tmp_path_factory: pytest.TempPathFactory) -> HostSettings:
    folder = tmp_path_factory.mktemp("ray") / "store"
    return settings(store_url=f"file://{folder}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(host_settings: HostSettings) -> AsyncIterator[DedicatedCluster]:
    started = DedicatedCluster(
        host_settings,
        RayActors(host_settings, "local"),
        users_max=USERS_MAX,
        ask_timeout_seconds=60,
    )
    await started.start()
    yield started
    await started.drain()


def user_actors(namespace: str) -> dict[str, int]:
    """Living user actors as Ray lists them: name -> process id."""
    import ray
    from ray.util.state import list_actors

    ours = ray.get_runtime_context().gcs_address  # others may run on this machine

    listed: Any = list_actors(ours, filters=[("state", "=", "ALIVE")], limit=1_000, detail=True)
    return {one.name: one.pid for one in listed if one.ray_namespace == namespace}


async def process_of(cluster: DedicatedCluster, user_id: str) -> int:
    """The process id of a user's actor; Ray's list lags a little behind."""
    async with asyncio.timeout(30):
        actors: dict[str, int] = {}
        while f"user:{user_id}" not in actors:
            actors = await asyncio.to_thread(user_actors, cluster.actors.namespace)
    return actors[f"user:{user_id}"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_cluster_on_ray_keeps_the_contract(
    check: Check, cluster: DedicatedCluster
) -> None:
    await check(cluster)


async def test_every_active_user_is_a_ray_actor_named_after_them(cluster: DedicatedCluster) -> None:
    await cluster.ask([grant("named-1", "c")])
    await cluster.ask([grant("named-2", "c")])
    assert await process_of(cluster, "named-1") != await process_of(cluster, "named-2")


async def test_a_killed_actor_comes_back_with_everything_it_acknowledged(
    cluster: DedicatedCluster,
) -> None:
    (first,) = await cluster.ask([grant("killed", "c1", 70)])
    os.kill(await process_of(cluster, "killed"), signal.SIGKILL)
    (again,) = await cluster.ask([grant("killed", "c1", 70)])
    assert body(again) == {**body(first), "replayed": True}
    (read,) = await cluster.ask([look("killed")])
    assert body(read)["player_progression"]["total_xp"] == 70


async def test_an_actor_killed_under_load_answers_each_command_once(
    cluster: DedicatedCluster,
) -> None:
    async def play() -> list[int]:
        return [
            body((await cluster.ask([grant("loaded", f"c{n}", 1)]))[0])["version"]
            for n in range(300)
        ]

    await cluster.ask([look("loaded")])
    victim = await process_of(cluster, "loaded")
    playing = asyncio.create_task(play())
    while body((await cluster.ask([look("loaded")]))[0])["version"] < 20:
        pass
    os.kill(victim, signal.SIGKILL)
    assert await playing == list(range(1, 301))
    (read,) = await cluster.ask([look("loaded")])
    assert body(read)["player_progression"]["total_xp"] == 300


async def test_watchers_see_every_version_though_their_user_s_actor_is_killed(
    cluster: DedicatedCluster,
) -> None:
    async def kill() -> None:
        os.kill(await process_of(cluster, "watched"), signal.SIGKILL)

    await watchers_outlast_kills([cluster, cluster], ["watched"], changes=200, kills=3, kill=kill)


async def test_an_actor_that_ray_brings_up_again_is_told_the_new_rules_first(
    cluster: DedicatedCluster,
) -> None:
    await cluster.ask([grant("ruled", "c1", 1)])
    await cluster.change_rules(OTHER_RULES_TEXT)
    try:
        os.kill(await process_of(cluster, "ruled"), signal.SIGKILL)
        await cluster.ask([grant("ruled", "c2", 1)])
        assert (await rules_of(cluster, "ruled"))[1:] == [OTHER_RULES]
    finally:
        await cluster.change_rules(RULES_TEXT)


async def test_one_users_trouble_is_no_trouble_of_the_servers_until_all_have_it(
    cluster: DedicatedCluster,
) -> None:
    users = [f"ill-{n}" for n in range(USERS_ASKED)]
    for user in users:
        await cluster.ask([grant(user, "c1", 1)])
    pids = [await process_of(cluster, user) for user in users]
    try:
        os.kill(pids[0], signal.SIGSTOP)
        assert await cluster.health() == ""
        for pid in pids[1:]:
            os.kill(pid, signal.SIGSTOP)
        assert "none of the 8 users asked last can be served" in await cluster.health()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert await cluster.health() == ""


async def test_beyond_the_limit_the_longest_idle_user_is_put_to_rest(
    cluster: DedicatedCluster, host_settings: HostSettings
) -> None:
    for n in range(USERS_MAX + 2):
        await cluster.ask([grant(f"many-{n}", "c", 5)])
    assert cluster.activity().users_active <= USERS_MAX
    assert cluster.activity().passivations >= 2
    (read,) = await cluster.ask([look("many-0")])
    assert body(read)["player_progression"]["total_xp"] == 5


async def test_when_no_user_is_idle_the_next_one_is_refused_as_overloaded(
    cluster: DedicatedCluster,
) -> None:
    everyone = [f"many-{n}" for n in range(USERS_MAX)]
    for user_id in everyone:
        await cluster.ask([look(user_id)])
    busy = [asyncio.create_task(cluster.ask([grant(user_id, "d", 1)])) for user_id in everyone]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match=f"{USERS_MAX} users are active"):
        await cluster.ask([grant("one-too-many", "c")])
    await asyncio.gather(*busy)


async def test_what_actors_journalled_is_on_the_disk_for_whoever_comes_next(
    cluster: DedicatedCluster, host_settings: HostSettings
) -> None:
    await cluster.ask([grant("left-behind", "c", 9)])
    os.kill(await process_of(cluster, "left-behind"), signal.SIGKILL)
    store = DiskStore(Path(host_settings.store_url.removeprefix("file://")))
    mine = await store.streams("user:left-behind")
    folded = await fold(store, mine, receipt_window=100)
    assert (folded.users, folded.records) == (1, 1)
    (read,) = await cluster.ask([look("left-behind")])
    assert body(read)["player_progression"]["total_xp"] == 9
