"""The pytest plugin: a server for each test, and clients of it.

pytest loads it wherever Questkeep is installed, so it imports nothing until a test asks.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from questkeep_client.sync import Client, User
    from questkeep_testing.network import Network
    from questkeep_testing.server import LocalServer


@pytest.fixture(scope="session")
def questkeep_settings() -> dict[str, Any]:
    """Settings of the servers, such as `{"rules": "my_rules.toml"}`: write your own to change."""
    return {}


@pytest.fixture
def questkeep(questkeep_settings: dict[str, Any]) -> "Iterator[LocalServer]":
    """A server of this test's own, empty and ready."""
    from questkeep_launcher import require_own_packages

    require_own_packages()
    from questkeep_testing.server import LocalServer

    with LocalServer(**questkeep_settings) as server:
        yield server


@pytest.fixture
def questkeep_network(questkeep: "LocalServer") -> "Network":
    """A network in front of this test's server, which fails on request."""
    return questkeep.network()


@pytest.fixture
def questkeep_service(questkeep: "LocalServer") -> "Iterator[Client]":
    """A game server's client without `await`."""
    from questkeep_client.sync import connect

    with connect(questkeep.url, questkeep.service_token()) as client:
        yield client


@pytest.fixture
def questkeep_player(questkeep: "LocalServer") -> "Iterator[Callable[..., User]]":
    """Makes a player without `await`, who is shown: `questkeep_player("alice", url="")`."""
    from questkeep_client.sync import connect

    with ExitStack() as clients:

        def player(user_id: str = "alice", url: str = "") -> "User":
            client = connect(url or questkeep.url, questkeep.token(user_id))
            user = clients.enter_context(client).user()
            user.ready()
            return user

        yield player
