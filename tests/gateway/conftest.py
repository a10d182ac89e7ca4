"""Fixtures of the gateway's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.gateway import kit
from tests.gateway.gateways_kit import SECRET, Several, StartSeveral


@pytest.fixture
async def gateway() -> kit.Gateway:
    """A fresh gateway over a fresh local cluster: no user has done anything."""
    return kit.gateway()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Whatever a test made of the log's configuration ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def start_several(tmp_path: Path) -> Iterator[StartSeveral]:
    """Start servers of several gateways; `keys` says that the test brings keys of its own.

    Whatever still runs at the end is killed.
    """
    servers: list[Several] = []

    def starter(count: int = 3, keys: bool = False, **settings: str) -> Several:
        own_keys = {} if keys else {"jwt_secret": SECRET}
        server = Several(tmp_path, count, **own_keys, **settings)
        servers.append(server)
        return server

    yield starter
    for server in servers:
        server.end()
