"""Every cluster keeps the whole contract.  The one on Ray does in `tests/cluster`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.cluster.contract import Cluster, UserDirectory
from actors.cluster.local import LocalCluster
from actors.cluster.remote_hosts import HostLocator, RemoteHosts
from persistence.disk.store import DiskStore
from tests.actors.host_kit import settings
from tests.conformance.cluster_kit import CHECKS, DIRECTORY_CHECKS, Check, DirectoryCheck
from tests.gateway.server.reachable_cluster_kit import ReachableCluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    store = DiskStore(tmp_path)
    local = LocalCluster(settings(), store)
    await local.start()
    yield local
    await local.drain()
    await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_local_cluster_keeps_the_contract(check: Check, cluster: Cluster) -> None:
    await check(cluster)


@pytest.fixture
async def remote_hosts(tmp_path: Path) -> AsyncIterator[UserDirectory]:
    store = DiskStore(tmp_path)
    cluster = ReachableCluster(settings(), store)
    assert isinstance(cluster, HostLocator)
    await cluster.start()
    remote = RemoteHosts(cluster.hosts, cluster.find, ask_timeout_seconds=30)
    yield remote
    remote.close()
    await cluster.drain()
    await store.close()


@pytest.mark.parametrize("check", DIRECTORY_CHECKS, ids=lambda check: check.__name__)
async def test_remote_hosts_keep_the_directory_s_part_of_it(
    check: DirectoryCheck, remote_hosts: UserDirectory
) -> None:
    await check(remote_hosts)
