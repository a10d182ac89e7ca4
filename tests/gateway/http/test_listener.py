"""The socket side: connections that say nothing, and addresses that are not to be had."""

import asyncio
import os
import resource
import socket

import pytest
from structlog.testing import capture_logs

from gateway.http.listener import Address, CannotListen, Listener, free_address
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http import scenarios_kit
from tests.gateway.http.http_kit import HEALTH, LAST_HEALTH, Application


async def test_idle_connections_keep_nobody_from_being_answered() -> None:
    address = free_address("127.0.0.1", 0)
    listener = Listener(Application().answer, address)
    await listener.start()
    idle = [await connect(address) for _ in range(50)]
    reader, writer = await connect(address)
    writer.write(LAST_HEALTH)
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 200 ")
    for _, silent in idle:
        silent.close()
    await listener.stop()


async def test_new_connections_are_accepted_together_beside_a_busy_connection() -> None:
    address = free_address("127.0.0.1", 0)
    listener = Listener(Application().answer, address)
    await listener.start()
    accepted = await asyncio.gather(*(connect(address) for _ in range(200)))
    for _, writer in accepted:
        writer.write(LAST_HEALTH)
    answers = await asyncio.gather(*(rest(one) for one in accepted))
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    await listener.stop()


async def test_a_gateway_without_files_to_spare_accepts_connections_once_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.http.listener._PAUSE_SECONDS", 0.01)
    address = free_address("127.0.0.1", 0)
    listener = Listener(Application().answer, address)
    await listener.start()
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, kept[1]))
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, address)
        with capture_logs() as told:
            while not told:  # noqa: ASYNC110
                await asyncio.sleep(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        assert told[0]["event"] == "connections cannot be accepted"
        client.send(LAST_HEALTH)
        accepted = await asyncio.get_running_loop().sock_recv(client, 65_536)
    assert accepted.startswith(b"HTTP/1.1 200 ")
    await listener.stop()


async def test_the_longest_idle_connections_make_room_for_new_ones() -> None:
    await scenarios_kit.the_longest_idle_connections_make_room()


async def test_idle_connections_shut_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.listener.FILES_MAX", 256)
    monkeypatch.setattr("gateway.http.listener.EXPIRY_SECONDS", 0.01)
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd"))  # by all tests before this one
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 16, kept[1]))
    address = free_address("127.0.0.1", 0)
    listener = Listener(Application().answer, address)
    await listener.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, kept)  # the clients are in this process too
    with capture_logs() as logs:
        busy = await connect(address)
        busy[1].write(HEALTH)
        await answer(busy)
        silent = []
        for _ in range(500):
            silent.append(await connect(address))
            if len(silent) % 50 == 0:
                busy[1].write(HEALTH)
                await answer(busy)  # never among the longest idle
        assert listener.connections.count <= 192  # three quarters
        client = await connect(address)
        client[1].write(LAST_HEALTH)
        assert (await rest(client)).startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(5):
            while not logs:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert logs[0]["event"] == "idle connections closed to make room"
    for _, writer in (busy, *silent):
        writer.close()
    await listener.stop()


async def test_an_address_that_is_not_ours_is_named() -> None:
    listener = Listener(Application().answer, Address("198.51.100.1", 8080))
    with pytest.raises(CannotListen, match=r"^Port 8080 on 198\.51\.100\.1 cannot be listened on"):
        await listener.start()
