"""Handles over hosts on real Ray, from a driver and from an actor, while hosts are killed."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from actors.cluster import packed
from actors.cluster.packed import PackedCluster
from actors.cluster.placement import packed_host
from actors.cluster.ray_actor import RayActor
from actors.cluster.ray_runtime import RayActors
from actors.errors import ClusterError
from questkeep_handles.cluster import connect
from tests.actors.host_kit import body, look, settings
from tests.conformance.cluster_kit import OTHER_RULES, OTHER_RULES_TEXT, rules_of
from tests.questkeep_handles.handles_kit import CHECKS

pytestmark = [pytest.mark.ray, pytest.mark.kills, pytest.mark.asyncio(loop_scope="module")]

TURNS = 40
PAGE = Path(__file__).parents[2] / "docs" / "handles.md"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PackedCluster]:
    folder = tmp_path_factory.mktemp("ray") / "store"
    actors = RayActors(settings(store_url=f"file://{folder}"), "local")
    started = PackedCluster(actors._settings, actors, hosts=2, ask_timeout_seconds=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "ACTIVITY_SECONDS", 0.5)
        await started.start()
        yield started
        await started.drain()


async def host_pids(cluster: PackedCluster) -> list[int]:
    """By slot."""
    import ray

    pids = []
    for slot in range(cluster.hosts):
        handle: Any = ray.get_actor(packed_host(slot), namespace=cluster.actors.namespace)
        pids.append((await handle.running.remote()).pid)
    return pids


async def kill_hosts(cluster: PackedCluster) -> None:
    for pid in await host_pids(cluster):
        os.kill(pid, signal.SIGKILL)


async def test_handles_keep_their_promises_on_ray(cluster: PackedCluster) -> None:
    async with connect() as users:
        await asyncio.gather(*(check(users) for check in CHECKS))


async def test_the_pages_code_runs(cluster: PackedCluster) -> None:
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module: dict[str, Any] = {"__name__": "page"}
    exec(compile(block, str(PAGE), "exec"), module)
    async with connect() as users:
        await users["page-1"].offer_quest("q-1", {})
    assert await module["reward"](["page-1", "page-2"]) == ["page-2"]


async def test_a_server_that_is_not_there_is_said(cluster: PackedCluster) -> None:
    with pytest.raises(ClusterError, match="No server with packed placement"):
        async with connect("file:///another"):
            pass


async def test_an_actor_plays_on_though_every_host_is_killed(cluster: PackedCluster) -> None:
    import ray

    class Match:
        """A game server's actor: it has nothing but the store's name."""

        def __init__(self, store_url: str) -> None:
            self.store_url = store_url
            self.played = 0

        async def play(self, user_id: str, turns: int) -> list[int]:
            from questkeep_handles.cluster import connect

            versions = []
            async with connect(self.store_url) as users:
                for _ in range(turns):
                    reply = await users[user_id].grant_player_progression_experience(1)
                    versions.append(reply["version"])
                    self.played += 1
            return versions

        async def progress(self) -> int:
            return self.played

    store_url = cluster.actors._settings.store_url
    match: Any = ray.remote(Match).remote(store_url)
    users = [f"match-{number}" for number in range(4)]
    playing = [match.play.remote(user, TURNS) for user in users]
    while await match.progress.remote() < TURNS:
        pass
    await kill_hosts(cluster)
    for versions in playing:
        assert await versions == list(range(1, TURNS + 1))
    for user in users:
        (read,) = await cluster.ask([look(user)])
        assert body(read)["player_progression"]["total_xp"] == TURNS
    ray.kill(match)


async def test_a_host_that_is_paused_keeps_nobody_from_noticing_another(
    cluster: PackedCluster,
) -> None:
    pids = await host_pids(cluster)
    away: tuple[str, ...] = ()
    try:
        for slot, pid in enumerate(pids):
            os.kill(pid, signal.SIGSTOP)
            away = (*away, packed_host(slot))
            while cluster.activity().hosts_away != away:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.1)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    while cluster.activity().hosts_away:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.1)


async def test_a_handle_that_does_not_wait_for_the_rules_is_found_out(
    cluster: PackedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(self: RayActor, method: str, *arguments: Any) -> Any:
        return await whole(self, method.removesuffix("_if_ready"), *arguments)

    whole = RayActor.call
    await cluster.change_rules(OTHER_RULES_TEXT)
    async with connect() as users:
        # The server looks for hosts that came back no sooner than this test has ended.
        monkeypatch.setattr(PackedCluster, "_find_if_back", lambda self, slot: asyncio.sleep(0))
        monkeypatch.setattr(RayActor, "call", call)
        await kill_hosts(cluster)
        await users["misruled"].grant_player_progression_experience(10)
        monkeypatch.undo()
        assert await rules_of(cluster, "misruled") != [OTHER_RULES]


async def test_a_host_that_came_back_decides_by_the_rules_in_force(cluster: PackedCluster) -> None:
    await cluster.change_rules(OTHER_RULES_TEXT)
    async with connect() as users:
        await kill_hosts(cluster)
        await users["ruled"].grant_player_progression_experience(10)
        assert await rules_of(cluster, "ruled") == [OTHER_RULES]
