"""One connection, byte by byte: order, limits, and whatever strangers send that is no request."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages import Reply, answered
from gateway.http import connection
from gateway.http.connection import HEAD_BYTES_MAX, UNREAD_BYTES_MAX, Connection, Connections
from gateway.http.listener import Address, Listener, free_address
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.gateway_kit import PLAYER, SERVICE, ScriptedCluster, gateway

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"
AT = b"/v1/users/alice/commands HTTP/1.1\r\nhost: here\r\nauthorization: Bearer "
POST = b"POST " + AT + SERVICE.encode() + b"\r\n"
COMMAND = b'{"type":"acknowledge_level_ups","command_id":"k"}'
LENGTH = b"content-length: %d\r\n" % len(COMMAND)
WHOLE = POST + LENGTH + b"\r\n" + COMMAND


class HeldCluster(ScriptedCluster):
    """Answers once a test lets it."""

    def __init__(self) -> None:
        super().__init__(answered(b"{}"))
        self.go = asyncio.Event()
        self.came = asyncio.Semaphore(0)

    async def ask(self, requests: Any) -> list[Reply]:
        self.came.release()
        await self.go.wait()
        return await super().ask(requests)


class Wire(asyncio.Transport):
    """A transport that keeps what is written, for connections without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Address]:
    found = free_address("127.0.0.1", 0)
    monkeypatch.setattr("gateway.http.listener.SWEEP_SECONDS", 0.01)
    listener = Listener(gateway(ScriptedCluster(answered(b"{}"))).app, found)
    await listener.start()
    yield found
    await listener.stop()


@pytest.fixture
async def held() -> AsyncIterator[tuple[Listener, HeldCluster, Address]]:
    """A listener before a cluster that answers when told to."""
    found, cluster = free_address("127.0.0.1", 0), HeldCluster()
    listener = Listener(gateway(cluster).app, found)
    await listener.start()
    yield listener, cluster, found
    cluster.go.set()
    await listener.stop()


def bare(cluster: Any = None) -> tuple[Connection, Wire]:
    """A connection on a wire of its own."""
    app = gateway(cluster or ScriptedCluster(answered(b"{}"))).app
    wire = Wire()
    one = Connections(app).connect()
    one.connection_made(wire)
    return one, wire


async def statuses(one: Connection, wire: Wire) -> list[bytes]:
    """The statuses that were sent once nothing is left to answer."""
    while (task := one.answering) is not None:
        await task
    return re.findall(rb"HTTP/1\.1 (\d+) ", wire.sent)


EXCHANGES = {
    "requests in one piece, in order": (
        HEALTH + b"GET /no HTTP/1.1\r\n\r\n" + WHOLE,
        b"200 404 200",
    ),
    "a body in chunks": (
        POST + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(COMMAND), COMMAND),
        b"200",
    ),
    "a body that nobody asked for": (
        b"GET /healthz HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc" + HEALTH,
        b"200 200",
    ),
    "a query": (b"GET /v1/users/alice/history?limit=x HTTP/1.1\r\n\r\n", b"401"),
    "a path with scheme and host": (b"GET http://here/healthz HTTP/1.1\r\n\r\n", b"200"),
    "a fragment": (b"GET /healthz#here HTTP/1.1\r\n\r\n", b"200"),
    "a path that is no text": (b"GET /v1/\xff HTTP/1.1\r\n\r\n", b"400"),
    "a method nobody has": (b"PROPFIND /healthz HTTP/1.1\r\n\r\n", b"405"),
    "garbage behind a request": (HEALTH + b"\x16\x03\x01\r\n\r\n", b"200 400"),
    "garbage inside a body": (POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
    "more behind the last request": (
        b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n" + HEALTH,
        b"200",
    ),
    "an older HTTP, which ends with its answer": (
        b"GET /healthz HTTP/1.0\r\n\r\n" + HEALTH,
        b"200",
    ),
    "an upgrade, which is not taken": (
        b"GET /healthz HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nPRI",
        b"200",
    ),
}


@pytest.mark.parametrize("name", EXCHANGES)
async def test_exchanges(name: str) -> None:
    sent, expected = EXCHANGES[name]
    one, wire = bare()
    one.data_received(sent)
    assert b" ".join(await statuses(one, wire)) == expected


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(EXCHANGES)), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_where_the_bytes_are_cut_makes_no_difference(name: str, cuts: list[int]) -> None:
    async def exchange() -> None:
        sent, expected = EXCHANGES[name]
        one, wire = bare()
        places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        for begin, end in itertools.pairwise(places):
            if not wire.closed:
                one.data_received(sent[begin:end])
            await statuses_so_far(one)
        assert b" ".join(await statuses(one, wire)) == expected

    asyncio.run(exchange())


async def statuses_so_far(one: Connection) -> None:
    """Let the application answer what is complete."""
    for _ in range(20):
        await asyncio.sleep(0)


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
    monkeypatch.setattr(connection, "HEAD_SECONDS_MAX", 0.05)
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
    monkeypatch.setattr(connection, "HEAD_SECONDS_MAX", 0.05)
    writer.write(b"GET /heal")
    assert await rest((reader, writer)) == b""


async def test_a_connection_that_stays_idle_after_an_answer_is_closed(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.05)
    reader, writer = await connect(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
    assert (await rest((reader, writer))).endswith(b'{"status":"up"}')


async def test_a_connection_with_a_request_under_way_is_not_idle(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.05)
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


async def test_the_answer_to_a_head_has_the_length_of_a_body_and_none(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(b"HEAD /healthz HTTP/1.1\r\nconnection: close\r\n\r\n")
    head, _, body = (await rest(connected)).partition(b"\r\n\r\n")
    assert b"content-length: 15" in head
    assert body == b""


async def test_the_last_answer_says_that_it_is_the_last(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(HEALTH + b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n")
    first, last = await answer(connected), await answer(connected)
    assert "connection" not in first[1]
    assert last[1]["connection"] == "close"
    assert await rest(connected) == b""


async def test_answers_have_a_date(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(HEALTH)
    assert (await answer(connected))[1]["date"].endswith(" gmt")
    connected[1].close()


async def test_who_is_refused_before_the_body_came_can_go_on_behind_it(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(b"POST " + AT + b"nobody\r\n" + LENGTH + b"\r\n")
    assert (await answer(connected))[0] == 401
    connected[1].write(COMMAND + WHOLE)
    assert (await answer(connected))[0] == 200
    connected[1].close()


async def test_a_body_that_nobody_waits_for_may_not_go_on_for_ever(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(connection, "UNWANTED_SECONDS_MAX", 0.05)
    connected = await connect(address)
    connected[1].write(b"POST " + AT + b"nobody\r\n" + LENGTH + b"\r\n")
    assert (await answer(connected))[0] == 401
    assert await rest(connected) == b""


async def test_who_closes_their_side_still_gets_the_answer(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(WHOLE)
    connected[1].write_eof()
    assert (await rest(connected)).startswith(b"HTTP/1.1 200 ")


async def test_who_closes_their_side_inside_a_body_is_not_answered(address: Address) -> None:
    connected = await connect(address)
    connected[1].write(POST + LENGTH + b"\r\n{")
    connected[1].write_eof()
    assert await rest(connected) == b""


async def test_a_connection_lost_while_an_answer_is_made_harms_nobody(
    held: tuple[Listener, HeldCluster, Address],
) -> None:
    _, cluster, address = held
    lost, kept = await connect(address), await connect(address)
    for one in (lost, kept):
        one[1].write(WHOLE)
        await cluster.came.acquire()
    lost[1].transport.abort()
    cluster.go.set()
    assert (await answer(kept))[0] == 200
    kept[1].close()


async def test_requests_behind_another_wait_and_stop_the_reading() -> None:
    cluster = HeldCluster()
    one, wire = bare(cluster)
    one.data_received(WHOLE + HEALTH)
    await cluster.came.acquire()
    assert not wire.reading
    assert wire.sent == b""
    cluster.go.set()
    assert await statuses(one, wire) == [b"200", b"200"]
    assert wire.reading


async def test_a_client_that_does_not_read_is_not_answered_further() -> None:
    cluster = ScriptedCluster(answered(b"{}"))
    one, wire = bare(cluster)
    one.pause_writing()
    one.data_received(WHOLE + WHOLE)
    await statuses_so_far(one)
    assert len(cluster.asked) == 1
    one.resume_writing()
    assert await statuses(one, wire) == [b"200", b"200"]


async def test_a_client_that_never_reads_is_cut_off() -> None:
    connections = Connections(gateway(ScriptedCluster(answered(b"{}"))).app)
    one, wire = connections.connect(), Wire()
    one.connection_made(wire)
    one.pause_writing()
    one.data_received(WHOLE)
    await statuses_so_far(one)
    assert not wire.closed
    connections.sweep(one.late_at + 1)
    assert wire.closed
    one.connection_lost(None)
    assert await statuses(one, wire) == [b"200"]


async def test_more_of_a_body_than_is_asked_for_stops_the_reading() -> None:
    cluster = HeldCluster()
    one, wire = bare(cluster)
    look = b"GET /v1/users/alice" + POST[POST.index(b" HTTP/1.1") :]
    one.data_received(look + b"content-length: 1000000\r\n\r\n" + b" " * UNREAD_BYTES_MAX)
    await cluster.came.acquire()
    assert wire.reading
    one.data_received(b" ")
    assert not wire.reading
    cluster.go.set()
    assert await statuses(one, wire) == [b"200"]
    assert wire.reading  # what is left of it is read past


async def test_a_stop_answers_what_has_come_and_closes_the_rest(
    held: tuple[Listener, HeldCluster, Address],
) -> None:
    listener, cluster, address = held
    idle, busy = await connect(address), await connect(address)
    busy[1].write(WHOLE)
    await cluster.came.acquire()
    stopping = asyncio.create_task(listener.stop())
    assert await rest(idle) == b""
    cluster.go.set()
    status, headers, _ = await answer(busy)
    assert (status, headers["connection"]) == (200, "close")
    busy[1].close()
    await stopping


async def test_a_stop_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, held: tuple[Listener, HeldCluster, Address]
) -> None:
    monkeypatch.setattr("gateway.http.listener.STOP_SECONDS", 0.05)
    listener, cluster, address = held
    busy = await connect(address)
    busy[1].write(WHOLE)
    await cluster.came.acquire()
    await listener.stop()
    assert await rest(busy) == b""
