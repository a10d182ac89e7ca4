"""A connection that another protocol takes over: nothing is lost on the way, and limits stay."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest
import websockets

from gateway.http.listener import Listener, free_address
from gateway.http.unsent import UNSENT_SECONDS_MAX
from gateway.http.upgraded import UpgradedConnection
from gateway.server.event_loop import loop_factory
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http.http_kit import HEALTH, answer_complete_requests
from tests.gateway.http.websocket_kit import (
    Client,
    EchoApplication,
    bytes_behind_a_handshake_reach_the_other_protocol,
    early_frame,
    taken,
)


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Listener, EchoApplication]]:
    application = EchoApplication()
    listener = Listener(application.answer, free_address("127.0.0.1", 0))
    await listener.start()
    yield listener, application
    await listener.stop()


async def test_a_websocket_client_is_understood(echo: tuple[Listener, EchoApplication]) -> None:
    listener, application = echo
    url = f"ws://127.0.0.1:{listener.address.port}/echo"
    async with websockets.connect(url) as client:
        for size in (1, 1_000, 500_000):
            await client.send("x" * size)
            assert await client.recv() == "x" * size
    assert application.sockets[0].lost


async def test_a_refused_upgrade_leaves_the_connection_to_http(
    echo: tuple[Listener, EchoApplication],
) -> None:
    client = await connect(echo[0].address)
    client[1].write(Client("/elsewhere").handshake)
    assert (await answer(client))[0] == 403
    client[1].write(HEALTH)
    assert (await answer(client))[0] == 426
    handshake = Client()
    client[1].write(handshake.handshake)
    head = await client[0].readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert handshake.read(head) == []
    client[1].close()


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_bytes_behind_the_handshake_are_the_first_of_the_other_protocol(size: int) -> None:
    await bytes_behind_a_handshake_reach_the_other_protocol(size)


async def test_nothing_is_read_before_the_upgrade_is_answered() -> None:
    _, transport = taken(EchoApplication())
    transport.get_protocol().data_received(Client().handshake)
    assert not transport.reading
    await answer_complete_requests()
    assert transport.reading


def altered(old: bytes, new: bytes, body: bytes = b"") -> bytes:
    handshake = Client().handshake
    assert old.lower() in handshake.lower()
    at = handshake.lower().index(old.lower())
    return handshake[:at] + new + handshake[at + len(old) :] + body


@pytest.mark.parametrize(
    "offer",
    [
        altered(b"HTTP/1.1", b"HTTP/1.0"),
        altered(b"upgrade: websocket\r\n", b""),
        altered(b"connection: upgrade\r\n", b""),
        altered(b"connection: upgrade\r\n", b"connection: upgrade\r\ncontent-length: 2\r\n", b"{}"),
    ],
    ids=["HTTP/1.0", "no upgrade header", "no connection header", "a body"],
)
async def test_half_an_offer_is_none(offer: bytes) -> None:
    _, transport = taken(EchoApplication())
    transport.get_protocol().data_received(offer)
    await answer_complete_requests()
    assert transport.sent.startswith(b"HTTP/1.1 426 ")
    assert transport.sent.count(b"HTTP/1.1 ") == 1


async def test_a_quiet_connection_is_left_alone_until_it_is_due() -> None:
    application = EchoApplication()
    owner, transport = taken(application)
    transport.get_protocol().data_received(Client().handshake)
    await answer_complete_requests()
    [socket] = application.sockets
    now = asyncio.get_running_loop().time()
    socket.due_at = now + 5
    for seconds in range(8):
        await owner.close_expired(now + seconds)
    assert socket.checked == 3


async def test_a_client_that_takes_nothing_is_aborted_and_one_that_is_slow_is_not() -> None:
    application = EchoApplication()
    owner, transport = taken(application)
    transport.get_protocol().data_received(Client().handshake + early_frame(b"x" * 1_000))
    await answer_complete_requests()
    now = asyncio.get_running_loop().time()
    transport.unsent = 500
    for _ in range(5):
        await owner.close_expired(now)
        now += UNSENT_SECONDS_MAX - 1
        transport.unsent -= 1
    assert not transport.aborted
    assert application.sockets[0].checked == 5
    await owner.close_expired(now)
    await owner.close_expired(now + UNSENT_SECONDS_MAX + 1)
    assert transport.aborted


async def test_a_connection_whose_client_was_slow_before_is_paused_afterwards_too() -> None:
    application = EchoApplication()
    _, transport = taken(application)
    connection = transport.get_protocol()
    connection.data_received(Client().handshake)
    connection.pause_writing()
    await answer_complete_requests()
    assert application.sockets[0].paused == 1
    transport.get_protocol().resume_writing()


async def test_an_upgraded_connection_never_makes_room() -> None:
    owner, transport = taken(EchoApplication())
    transport.get_protocol().data_received(Client().handshake)
    await answer_complete_requests()
    assert owner.close_idle(10) == 0
    assert not transport.aborted


async def test_a_stop_has_the_other_protocol_take_its_leave(
    echo: tuple[Listener, EchoApplication],
) -> None:
    listener, application = echo
    async with websockets.connect(f"ws://127.0.0.1:{listener.address.port}/echo") as client:
        await client.send("x")
        assert await client.recv() == "x"
        stopping = asyncio.create_task(listener.stop())
        with pytest.raises(websockets.ConnectionClosedOK) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        await stopping
    assert application.sockets[0].lost


async def test_a_stop_does_not_wait_for_a_protocol_that_stays(
    monkeypatch: pytest.MonkeyPatch, echo: tuple[Listener, EchoApplication]
) -> None:
    monkeypatch.setattr("gateway.http.listener.STOP_SECONDS", 0.05)
    client = await connect(echo[0].address)
    client[1].write(Client().handshake)
    await client[0].readuntil(b"\r\n\r\n")
    await echo[0].stop()  # the client does not answer the close
    await rest(client)
    assert echo[0].connections.count == 0


async def test_a_stop_while_an_upgrade_is_answered_ends_it_at_once() -> None:
    application = EchoApplication()
    owner, transport = taken(application)
    transport.get_protocol().data_received(Client().handshake)
    ending = asyncio.create_task(owner.end(5))
    await answer_complete_requests()
    assert transport.sent.startswith(b"HTTP/1.1 101 ")
    assert transport.sent.endswith(b"\x88\x02\x03\xe9")  # a close frame, 1001
    transport.get_protocol().connection_lost(None)
    await ending


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, loop_factory()])
def test_an_upgraded_connection_is_gone_without_the_collector(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    def alive() -> int:
        return sum(isinstance(item, UpgradedConnection) for item in gc.get_objects())

    async def run() -> None:
        gc.collect()
        gc.disable()
        try:
            before = alive()
            listener = Listener(EchoApplication().answer, free_address("127.0.0.1", 0))
            await listener.start()
            for _ in range(10):
                client = await connect(listener.address)
                handshake = Client()
                client[1].write(handshake.handshake + early_frame(b"x"))
                await client[0].readuntil(b"x")
                client[1].transport.abort()
            while listener.connections.count:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await listener.stop()
            assert alive() == before
        finally:
            gc.enable()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(run())
