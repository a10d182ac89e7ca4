"""How many connections one client may have."""

import asyncio

import pytest

from gateway.http.connections import Connections, client_address
from gateway.http.listener import Listener, free_address
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http.http_kit import HEALTH, Application


@pytest.mark.parametrize(
    ("ip", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(ip: str, client: str) -> None:
    assert client_address(ip) == client


async def test_connections_of_one_address_beyond_the_limit_are_closed_at_once() -> None:
    listener = Listener(Application().answer, free_address("127.0.0.1", 0), per_client_max=2)
    await listener.start()
    kept = [await connect(listener.address) for _ in range(2)]
    for client in kept:
        client[1].write(HEALTH)
        assert (await answer(client))[0] == 200
    assert await rest(await connect(listener.address)) == b""
    kept[0][1].close()
    assert await rest(kept[0]) == b""
    while listener.connections.count > 1:  # noqa: ASYNC110
        await asyncio.sleep(0)
    again = await connect(listener.address)
    again[1].write(HEALTH)
    assert (await answer(again))[0] == 200
    for client in (kept[1], again):
        client[1].close()
    await listener.stop()


def test_a_connection_that_is_lost_before_it_begins_leaves_its_place() -> None:
    connections = Connections(Application().answer, per_client_max=1)
    assert connections.admit("203.0.113.7")
    assert not connections.admit("203.0.113.7")
    assert connections.admit("203.0.113.8")
    connections.release("203.0.113.7")
    assert connections.admit("203.0.113.7")
