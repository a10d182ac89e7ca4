"""The socket side with real connections: limits on what comes before a body, and a taken port."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway import listening
from gateway.listening import HEAD_BYTES_MAX, Address, CannotListen, Listener, free_address
from tests.gateway.kit import PLAYER, gateway

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ANSWER_SECONDS = 10.0


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    found = free_address("127.0.0.1", 0)
    listener = Listener(gateway().app, found)
    await listener.start()
    yield found
    await listener.stop()


async def connect(address: Address) -> Connection:
    return await asyncio.open_connection(*address)


async def rest(connection: Connection) -> bytes:
    """What comes until the other end closes."""
    reader, writer = connection
    async with asyncio.timeout(ANSWER_SECONDS):
        came = await reader.read()
    writer.close()
    return came


async def test_a_head_that_never_ends_is_refused(address: Address) -> None:
    reader, writer = await connect(address)
    begun = b"GET /healthz HTTP/1.1\r\nhost: here\r\nx-long: "
    writer.write(begun + b"a" * (HEAD_BYTES_MAX - len(begun) + 1))
    came = await rest((reader, writer))
    assert came.startswith(b"HTTP/1.1 431 ")


async def test_a_head_of_many_pieces_within_the_limit_is_answered(address: Address) -> None:
    reader, writer = await connect(address)
    for piece in (b"GET /heal", b"thz HTTP/1.1\r\nho", b"st: here\r\nx-long: " + b"a" * 30_000):
        writer.write(piece)
        await writer.drain()
    writer.write(b"\r\nconnection: close\r\n\r\n")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "begun", [b"", b"GET /healthz HTTP/1.1\r\nhost: "], ids=["nothing", "half"]
)
async def test_a_head_that_does_not_come_costs_the_connection(
    monkeypatch: pytest.MonkeyPatch, begun: bytes, address: Address
) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS_MAX", 0.05)
    reader, writer = await connect(address)
    writer.write(begun)
    assert await rest((reader, writer)) == b""


async def test_a_second_head_has_its_own_limits(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    reader, writer = await connect(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
    first = await reader.readuntil(b'{"status":"up"}')
    assert first.startswith(b"HTTP/1.1 200 ")
    monkeypatch.setattr(listening, "HEAD_SECONDS_MAX", 0.05)
    writer.write(b"GET /heal")
    assert await rest((reader, writer)) == b""


async def test_a_connection_that_stays_idle_after_an_answer_is_closed(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(listening, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(listening, "TICKS_PER_SWEEP", 1)
    reader, writer = await connect(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
    assert (await rest((reader, writer))).endswith(b'{"status":"up"}')


async def test_a_connection_with_a_request_under_way_is_not_idle(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(listening, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(listening, "TICKS_PER_SWEEP", 1)
    busy, idle = await connect(address), await connect(address)
    post = b"POST /v1/users/alice/commands HTTP/1.1\r\nhost: here\r\nauthorization: Bearer "
    busy[1].write(post + PLAYER.encode() + b"\r\ncontent-length: 2\r\n\r\n{")
    idle[1].write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
    await rest(idle)  # closed by a sweep that let the other one stand
    busy[1].write(b"}")
    assert (await busy[0].readline()).startswith(b"HTTP/1.1 422 ")
    busy[1].close()


async def test_who_waits_for_leave_to_send_a_body_gets_it_before_the_answer(
    address: Address,
) -> None:
    reader, writer = await connect(address)
    post = b"POST /v1/users/alice/commands HTTP/1.1\r\nhost: here\r\nauthorization: Bearer "
    length = b"\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    writer.write(post + PLAYER.encode() + length)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 422 ")


async def test_what_is_not_http_is_told_so(address: Address) -> None:
    reader, writer = await connect(address)
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 400 ")


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
