"""The socket side: connections that say nothing, and addresses that are not to be had."""

import asyncio
import resource
import socket

import pytest
from structlog.testing import capture_logs

from gateway.http.listener import Address, CannotListen, Listener, free_address
from tests.gateway.connection_kit import connect, rest
from tests.gateway.gateway_kit import gateway


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


async def test_newcomers_are_taken_in_together_beside_a_busy_connection() -> None:
    found = free_address("127.0.0.1", 0)
    listener = Listener(gateway().app, found)
    await listener.start()
    came = await asyncio.gather(*(connect(found) for _ in range(200)))
    for _, writer in came:
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
    answers = await asyncio.gather(*(rest(one) for one in came))
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    await listener.stop()


async def test_a_gateway_without_files_to_spare_takes_newcomers_in_once_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.http.listener._PAUSE_SECONDS", 0.01)
    found = free_address("127.0.0.1", 0)
    listener = Listener(gateway().app, found)
    await listener.start()
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, kept[1]))
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, found)
        with capture_logs() as told:
            while not told:  # noqa: ASYNC110
                await asyncio.sleep(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        assert told[0]["event"] == "connections cannot be accepted"
        client.send(b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        came = await asyncio.get_running_loop().sock_recv(client, 65_536)
    assert came.startswith(b"HTTP/1.1 200 ")
    await listener.stop()


async def test_an_address_that_is_not_ours_is_named() -> None:
    listener = Listener(gateway().app, Address("198.51.100.1", 8080))
    with pytest.raises(CannotListen, match=r"^Port 8080 on 198\.51\.100\.1 cannot be listened on"):
        await listener.start()
