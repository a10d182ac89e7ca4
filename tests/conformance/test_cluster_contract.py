"""Every cluster keeps the whole contract.  The one on Ray does in `tests/cluster`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.cluster.contract import Cluster
from actors.cluster.local import LocalCluster
from actors.cluster.remote_hosts import HostLocator, RemoteHosts
from persistence.disk.store import DiskStore
from tests.actors.host_kit import settings
from tests.conformance.cluster_kit import CHECKS, Check
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
async def lent(tmp_path: Path) -> AsyncIterator[Cluster]:
    store = DiskStore(tmp_path)
    lender = ReachableCluster(settings(), store)
    assert isinstance(lender, HostLocator)
    await lender.start()
    borrower = RemoteHosts(lender.hosts, lender.find, ask_timeout_seconds=30)
    borrower.change_rules = lender.change_rules  # type: ignore[method-assign]
    await borrower.start()
    yield borrower
    await borrower.drain()
    await lender.drain()
    await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_hosts_that_are_lent_keep_it_but_for_the_rules_which_the_lender_changes(
    check: Check, lent: Cluster
) -> None:
    await check(lent)
