"""Fixtures of the gateway's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway import gateway_kit
from tests.gateway.server.local_server_kit import LocalServer, Start
from tests.gateway.server.workers_kit import SECRET, Several, StartSeveral


@pytest.fixture
async def gateway() -> gateway_kit.Gateway:
    """A fresh gateway over a fresh local cluster: no user has done anything."""
    return gateway_kit.gateway()


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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers in one folder; whatever still runs at the end is killed."""
    servers: list[LocalServer] = []

    def starter(*, ready: bool = True, **settings: str) -> LocalServer:
        server = LocalServer(tmp_path, settings)
        servers.append(server)
        if ready:
            server.until("Ctrl-C")
        return server

    yield starter
    for server in servers:
        server.child.kill()
        server.child.communicate()
