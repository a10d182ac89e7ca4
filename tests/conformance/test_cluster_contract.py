"""Every cluster keeps the whole contract.  The one on Ray does in `tests/cluster`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.cluster import Cluster
from actors.local_cluster import LocalCluster
from persistence.disk import DiskStore
from tests.actors.kit import settings
from tests.conformance.cluster_kit import CHECKS, Check


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
