"""The socket side: who connects is answered, however many others are connected and silent."""

import asyncio

from gateway.listening import Listener, free_address
from tests.gateway import kit


async def test_idle_connections_keep_nobody_from_being_answered() -> None:
    address = free_address("127.0.0.1", 0)
    listener = Listener(kit.gateway(requests_in_flight_max=1).app, address)
    await listener.start()
    idle = [await asyncio.open_connection(address.ip, address.port) for _ in range(50)]
    reader, writer = await asyncio.open_connection(address.ip, address.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    for _, each in [*idle, (reader, writer)]:
        each.close()
        await each.wait_closed()
    await listener.stop()
