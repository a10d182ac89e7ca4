"""The socket side: connections that say nothing, and addresses that are not to be had."""

import pytest

from gateway.listening import Address, CannotListen, Listener, free_address
from tests.gateway.connecting import connect, rest
from tests.gateway.kit import gateway


async def test_idle_connections_keep_nobody_from_being_answered() -> None:
    found = free_address("127.0.0.1", 0)
    listener = Listener(gateway(requests_in_flight_max=1).app, found)
    await listener.start()
    idle = [await connect(found) for _ in range(50)]
    reader, writer = await connect(found)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 200 ")
    for _, silent in idle:
        silent.close()
    await listener.stop()


async def test_an_address_that_is_not_ours_is_named() -> None:
    listener = Listener(gateway().app, Address("198.51.100.1", 8080))
    with pytest.raises(CannotListen, match=r"^Port 8080 on 198\.51\.100\.1 cannot be listened on"):
        await listener.start()
