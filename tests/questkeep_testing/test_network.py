"""A network that fails: clients get over all of it, and it fails as it was told to."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from questkeep_client.sync import connect
from questkeep_testing.asserts import assert_same_everywhere
from questkeep_testing.network import Network
from questkeep_testing.server import LocalServer


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self._socket.getsockname())
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                try:
                    while content := connection.recv(1_000):
                        connection.sendall(content)
                except ConnectionError:
                    pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def echo() -> Iterator[Network]:
    server = Echo()
    with Network(server.url) as network:
        yield network
    server.close()


def connected(network: Network) -> socket.socket:
    host, port = network.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def everything(connection: socket.socket) -> bytes:
    """What comes until the connection is cut."""
    received = b""
    try:
        while content := connection.recv(1_000):
            received += content
    except ConnectionError:
        pass
    return received


def test_what_is_sent_gets_through_unless_told_otherwise(echo: Network) -> None:
    with connected(echo) as connection:
        connection.sendall(b"hello")
        assert connection.recv(1_000) == b"hello"


@pytest.mark.parametrize("byte_count", [0, 1, 4, 5])
def test_a_connection_is_cut_after_just_so_many_bytes(echo: Network, byte_count: int) -> None:
    echo.cut_after(byte_count)
    with connected(echo) as connection:
        connection.sendall(b"hello")
        assert everything(connection) == b"hello"[:byte_count]
    with connected(echo) as connection:  # once
        connection.sendall(b"hello")
        assert connection.recv(1_000) == b"hello"


def test_what_is_dropped_never_comes(echo: Network) -> None:
    with connected(echo) as connection:
        with echo.silent():
            connection.sendall(b"hello")
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1_000)
            connection.settimeout(10)
        assert everything(connection) == b""


def test_what_is_delayed_comes_later_and_in_order(echo: Network) -> None:
    echo.delay_seconds = 0.02
    with connected(echo) as connection:
        for part in (b"a", b"b", b"c"):
            connection.sendall(part)
        received = b""
        while len(received) < 3:
            received += connection.recv(1_000)
        assert received == b"abc"


def test_nobody_connects_to_a_server_that_is_offline(server: LocalServer) -> None:
    network = server.network()
    with network.offline(), pytest.raises(httpx.TransportError):
        httpx.get(f"{network.url}/healthz")
    assert httpx.get(f"{network.url}/healthz").status_code == 200


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_a_client_gets_over_a_cut_after_any_byte(server: LocalServer, direction: str) -> None:
    network = server.network()
    with connect(network.url, server.service_token()) as service:
        alice = service.user("alice")
        alice.ready()
        for number, byte_count in enumerate((0, 1, 7, 60, 150), start=1):
            network.cut_after(byte_count, direction)  # type: ignore[arg-type]
            reply = alice.grant_player_progression_experience(10)
            assert reply["version"] == number
        network.cut()
        assert_same_everywhere(server, "alice", alice)
