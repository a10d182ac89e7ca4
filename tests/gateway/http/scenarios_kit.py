"""What the HTTP server promises, as functions: the tests run them, and so do the mutation tests."""

import asyncio
import gc
import socket
import tracemalloc
from typing import NamedTuple

from gateway.http.connection import Connection
from gateway.http.connections import Connections
from gateway.http.listener import Listener, free_address
from gateway.http.request_parser import FRAMING_BYTES_MAX, HEAD_BYTES_MAX, PIECE_BYTES
from gateway.http.unsent import UNSENT_SECONDS_MAX
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http.http_kit import (
    BODY,
    HEALTH,
    LAST_HEALTH,
    LENGTH,
    Application,
    MemoryTransport,
    answer_complete_requests,
    connected,
    connection_of,
    post,
    statuses,
)

CHUNKED = b"transfer-encoding: chunked\r\n"
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
H2C = b"connection: Upgrade\r\nupgrade: h2c\r\n"

ENDLESS = {
    "the line": (b"", b"G"),
    "a path": (b"GET /", b"a"),
    "the name of a header": (b"GET /healthz HTTP/1.1\r\n", b"a"),
    "the value of a header": (b"GET /healthz HTTP/1.1\r\nx: ", b"a"),
    "spaces before a value": (b"GET /healthz HTTP/1.1\r\nx: ", b" "),
    "headers": (b"GET /healthz HTTP/1.1\r\n", b"x: aaaaaaaa\r\n"),
    "empty lines": (HEALTH, b"\r\n"),
    "the size of a chunk": (post(b"/echo", CHUNKED, b""), b"0"),
    "the extension of a chunk": (post(b"/echo", CHUNKED, b"5;"), b"a"),
    "the extension of the last chunk": (post(b"/echo", CHUNKED, b"0;"), b"a"),
    "the name of a trailer": (post(b"/echo", CHUNKED, IN_CHUNKS), b"a"),
    "the value of a trailer": (post(b"/echo", CHUNKED, IN_CHUNKS + b"x: "), b"a"),
    "trailers": (post(b"/echo", CHUNKED, IN_CHUNKS), b"X: aaaaaaaaaaaaaaaaaaaa\r\n"),
    "trailers of a body that nobody reads": (post(b"/unread", CHUNKED, b"0\r\n"), b"x: a\r\n"),
    "trailers behind an upgrade": (post(b"/echo", H2C + CHUNKED, IN_CHUNKS), b"x: a\r\n"),
}
"""What is sent first, and what is sent again and again."""


async def nothing_but_a_body_goes_on_for_ever(first: bytes, again: bytes, piece: int) -> None:
    """40 MB that are no body: refused within the limit, and kept nowhere."""
    connection, transport = connected()
    connection.data_received(first)
    await answer_complete_requests()
    answers = transport.sent.count(b"HTTP/1.1 ")
    block = again * max(1, piece // len(again))
    tracemalloc.start()
    try:
        sent = 0
        while not transport.ended:
            assert sent <= HEAD_BYTES_MAX + PIECE_BYTES
            connection.data_received(block)
            await answer_complete_requests()
            sent += len(block)
        for _ in range(40_000_000 // len(block) if piece > PIECE_BYTES else 0):
            connection.data_received(block)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    assert transport.sent.count(b"HTTP/1.1 ") <= answers + 1
    assert transport.sent.count(b" 200 ") <= answers
    connection.connection_lost(None)


async def small_headers_take_little_memory() -> None:
    """A tuple and two strings are many times the six bytes of a small header."""
    tracemalloc.start()
    try:
        connection, transport = connected()
        connection.data_received(b"GET /healthz HTTP/1.1\r\nhost: here\r\n")
        while not transport.ended:
            connection.data_received(b"X: a\r\n" * 100)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert await statuses(connection, transport) == [b"431"]
    assert most < 200_000
    connection.connection_lost(None)


async def requests_that_wait_take_little_memory() -> None:
    """A read of the socket may hold ten thousand requests; most of them stay bytes until then."""
    application = Application()
    connection, transport = connected(application)
    connection.data_received(post(b"/held"))
    await application.asked.acquire()
    tracemalloc.start()
    try:
        connection.data_received(HEALTH * 6_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not transport.reading
    assert most < 4 * len(HEALTH * 6_000)
    application.go.set()
    assert await statuses(connection, transport) == [b"200"] * 6_001
    assert transport.reading
    connection.connection_lost(None)


async def a_trailer_is_no_header(trailer: bytes, apart: bool) -> None:
    """The application sees the headers of the head, whether or not trailers are here already."""
    application = Application()
    connection, transport = connected(application)
    sent = post(b"/echo", CHUNKED, IN_CHUNKS)
    pieces = [sent, trailer + b"\r\n"] if apart else [sent + trailer + b"\r\n"]
    for piece in pieces:
        connection.data_received(piece)
        await answer_complete_requests()
    connection.data_received(HEALTH)
    assert await statuses(connection, transport) == [b"200", b"200"]
    assert application.requests[0].headers == [
        (b"host", b"here"),
        (b"transfer-encoding", b"chunked"),
    ]
    assert application.requests[1].headers == [(b"host", b"here")]
    connection.connection_lost(None)


async def a_body_of_small_chunks_is_read() -> None:
    """Framing may be more than the body: it is bounded by what arrives of that."""
    connection, transport = connected()
    size = 3 * HEAD_BYTES_MAX
    assert FRAMING_BYTES_MAX >= len(b"1\r\nx\r\n") - 1
    connection.data_received(post(b"/echo", CHUNKED, b"1\r\nx\r\n" * size + b"0\r\n\r\n"))
    assert await statuses(connection, transport) == [b"200"]
    assert transport.sent.endswith(b"\r\n" + b"x" * size)
    connection.connection_lost(None)


async def an_upgrade_that_is_not_taken_costs_nothing(framing: bytes, body: bytes) -> None:
    """A client that offers HTTP/2 with its first request gets an answer, and one more."""
    for offer in (H2C, b"Upgrade: websocket, h2c\r\nConnection: keep-alive, upgrade\r\n"):
        sent = post(b"/echo", offer + framing, body)
        for cut in range(1, len(sent)):
            connection, transport = connected()
            connection.data_received(sent[:cut])
            connection.data_received(sent[cut:])
            assert await statuses(connection, transport) == [b"200"], cut
            assert transport.sent.endswith(b"\r\n\r\n" + BODY)
            assert transport.reading
            connection.data_received(sent + LAST_HEALTH if cut == 1 else HEALTH)
            await statuses(connection, transport)
            assert transport.sent.count(b"HTTP/1.1 200 ") == 2
            connection.connection_lost(None)


async def bytes_of_another_protocol_are_no_request(offering: bytes) -> None:
    """What follows an offer before its answer may be of either protocol: it is dropped."""
    for cut in (0, len(HEALTH)):
        application = Application()
        connection, transport = connected(application)
        sent = offering + HEALTH
        connection.data_received(sent[: len(sent) - cut])
        connection.data_received(sent[len(sent) - cut :])
        assert len(await statuses(connection, transport)) == 1
        assert len(application.requests) == 1
        assert b"connection: close" in transport.sent
        assert transport.ended
        connection.connection_lost(None)


async def _client_closes(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(HEALTH)
    await answer(client)
    client[1].close()


async def _last_request(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(LAST_HEALTH)
    await rest(client)


async def _no_request(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(b"no request\r\n\r\n")
    await rest(client)


async def _unread_body(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/unread", b"content-length: 1000\r\n", BODY))
    await answer(client)
    client[1].close()


async def _lost_while_answered(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/held"))
    await application.asked.acquire()
    client[1].transport.abort()
    await asyncio.sleep(0.02)
    application.go.set()


async def _lost_inside_a_body(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/echo", LENGTH + b"expect: 100-continue\r\n", b"{"))
    await client[0].readuntil(b"\r\n\r\n")
    client[1].transport.abort()


async def _failed(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/fail"))
    await rest(client)


async def _upgrade(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/echo", H2C + LENGTH + b"connection: close\r\n"))
    await rest(client)


async def _stop(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(HEALTH)
    await answer(client)
    await listener.stop()
    client[1].close()


async def _cut(listener: Listener, application: Application) -> None:
    client = await connect(listener.address)
    client[1].write(post(b"/held") + HEALTH)
    await application.asked.acquire()
    await listener.connections.end(0)
    await rest(client)
    application.go.set()


ENDS = {
    "the client closes": _client_closes,
    "its last request is answered": _last_request,
    "it sends no request": _no_request,
    "it is refused before its body arrived": _unread_body,
    "it is lost while a request is answered": _lost_while_answered,
    "it is lost inside a body": _lost_inside_a_body,
    "the application fails": _failed,
    "it offered an upgrade": _upgrade,
    "the server stops": _stop,
    "the server stops while requests wait": _cut,
}
"""Every way in which a connection can end."""


async def a_closed_connection_is_gone(end: str) -> None:
    """Ten of ten give their memory back without the collector, which seldom runs."""
    gc.collect()
    gc.disable()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    try:
        before = _alive()
        for _ in range(10):
            application = Application()
            listener = Listener(application.answer, free_address("127.0.0.1", 0))
            await listener.start()
            await ENDS[end](listener, application)
            async with asyncio.timeout(5):
                while listener.connections.count:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            await listener.stop()
            await asyncio.sleep(0.01)
        assert _alive() == before
    finally:
        gc.enable()


def _alive() -> int:
    return sum(isinstance(item, Connection) for item in gc.get_objects())


async def a_client_that_is_refused_while_it_sends_reads_its_answer(sent: bytes) -> None:
    """Closing a socket with bytes unread resets it, and takes the answer from the client."""
    listener = Listener(Application().answer, free_address("127.0.0.1", 0))
    await listener.start()
    loop = asyncio.get_running_loop()
    try:
        for _ in range(5):
            with socket.socket() as client:
                client.setblocking(False)
                await loop.sock_connect(client, listener.address)
                received = b""
                try:
                    async with asyncio.timeout(5):
                        await loop.sock_sendall(client, sent)
                        while block := await loop.sock_recv(client, 65_536):
                            received += block
                except ConnectionError as error:
                    raise AssertionError(f"after {len(received)} bytes: {error}") from error
                assert received.startswith(b"HTTP/1.1 4")
                assert b"connection: close\r\n" in received
    finally:
        await listener.stop()


STALLED = {
    "while a request is answered": (post(b"/held"), False),
    "idle": (HEALTH, False),
    "closing": (HEALTH, True),
    "inside a body that nobody reads": (post(b"/unread", LENGTH, b"{"), False),
    "after the last answer": (LAST_HEALTH + HEALTH, False),
}
"""What was sent when the client stopped reading, and whether the server stops too."""


class Stalled(NamedTuple):
    """A connection with bytes to send, and all it belongs to."""

    connections: Connections
    connection: Connection
    transport: MemoryTransport


async def stalled(state: str) -> Stalled:
    """A connection in this state whose client does not read."""
    sent, end = STALLED[state]
    owner, transport = Connections(Application().answer), MemoryTransport()
    connection = connection_of(owner)
    connection.connection_made(transport)
    connection.data_received(sent)
    await answer_complete_requests()
    if end:
        connection.end()
    transport.unsent = 1_000
    return Stalled(owner, connection, transport)


async def a_stalled_client_is_aborted(state: str) -> None:
    """Bytes that a client does not take have a deadline in every state of its connection."""
    owner, connection, transport = await stalled(state)
    now = asyncio.get_running_loop().time()
    for seconds in (0.0, UNSENT_SECONDS_MAX - 1):
        await owner.close_expired(now + seconds)
    assert not transport.aborted
    await owner.close_expired(now + UNSENT_SECONDS_MAX + 1)
    assert transport.aborted
    connection.connection_lost(None)


async def a_slow_client_is_not_aborted(state: str) -> None:
    """The deadline begins anew whenever the client takes some of the bytes."""
    owner, connection, transport = await stalled(state)
    now = asyncio.get_running_loop().time()
    for _ in range(100):
        await owner.close_expired(now)
        now += UNSENT_SECONDS_MAX - 1
        transport.unsent -= 1
    assert not transport.aborted
    connection.connection_lost(None)


async def the_longest_idle_connections_make_room() -> None:
    """Those that never had an answer go first, then those that are idle longest; none that work."""
    owner, application = Connections(Application().answer), Application()
    owner.answer = application.answer
    transports = {}
    for name, sent in {
        "idle": HEALTH,
        "busy": post(b"/held"),
        "idle, later": HEALTH,
        "new": b"",
        "half a head": b"GET /healthz HTT",
        "new, later": b"",
    }.items():
        transports[name] = transport = MemoryTransport()
        connection = connection_of(owner)
        connection.connection_made(transport)
        if sent:
            connection.data_received(sent)
            await answer_complete_requests()
        await asyncio.sleep(0.001)
    order = []
    while owner.close_idle(1):
        order += [name for name, transport in transports.items() if transport.aborted]
        for name in order:
            transports.pop(name, None)
    assert order == ["new", "half a head", "new, later", "idle", "idle, later"]
    application.go.set()
