"""How long a connection waits for a client, and what it keeps for one meanwhile."""

import pytest

from gateway.http import connection as deadlines
from gateway.http.connection import UNREAD_BYTES_MAX
from gateway.http.listener import Address
from gateway.http.request_parser import HEAD_BYTES_MAX, PIECE_BYTES
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http import scenarios_kit
from tests.gateway.http.http_kit import (
    BODY,
    ECHO,
    HEALTH,
    LAST_HEALTH,
    LENGTH,
    UP,
    Application,
    answer_complete_requests,
    connected,
    post,
    statuses,
)
from tests.gateway.http.scenarios_kit import STALLED


async def test_a_head_that_never_ends_is_refused(address: Address) -> None:
    reader, writer = await connect(address)
    begun = b"GET /healthz HTTP/1.1\r\nhost: here\r\nx-long: "
    writer.write(begun + b"a" * (HEAD_BYTES_MAX + PIECE_BYTES))
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 431 ")


async def test_a_head_of_many_pieces_within_the_limit_is_answered(address: Address) -> None:
    reader, writer = await connect(address)
    for piece in (b"GET /heal", b"thz HTTP/1.1\r\nho", b"st: here\r\nx-long: " + b"a" * 10_000):
        writer.write(piece)
        await writer.drain()
    writer.write(b"\r\nconnection: close\r\n\r\n")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "begun", [b"", b"GET /healthz HTTP/1.1\r\nhost: "], ids=["nothing", "half"]
)
async def test_a_head_that_does_not_arrive_costs_the_connection(
    monkeypatch: pytest.MonkeyPatch, begun: bytes, address: Address
) -> None:
    monkeypatch.setattr(deadlines, "HEAD_SECONDS_MAX", 0.05)
    reader, writer = await connect(address)
    writer.write(begun)
    assert await rest((reader, writer)) == b""


async def test_a_second_head_has_its_own_limits(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    reader, writer = await connect(address)
    writer.write(HEALTH)
    assert (await reader.readuntil(UP)).startswith(b"HTTP/1.1 200 ")
    monkeypatch.setattr(deadlines, "HEAD_SECONDS_MAX", 0.05)
    writer.write(b"GET /heal")
    assert await rest((reader, writer)) == b""


async def test_a_connection_that_stays_idle_after_an_answer_is_closed(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(deadlines, "KEEP_ALIVE_SECONDS", 0.05)
    reader, writer = await connect(address)
    writer.write(HEALTH)
    assert (await rest((reader, writer))).endswith(UP)


async def test_a_connection_with_a_request_under_way_is_not_idle(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(deadlines, "KEEP_ALIVE_SECONDS", 0.05)
    busy, idle = await connect(address), await connect(address)
    busy[1].write(post(b"/echo", body=BODY[:1]))
    idle[1].write(HEALTH)
    await rest(idle)  # closed, while the other one was let be
    busy[1].write(BODY[1:])
    assert (await answer(busy))[2] == BODY
    busy[1].close()


async def test_a_body_that_nobody_reads_may_not_go_on_for_ever(
    monkeypatch: pytest.MonkeyPatch, address: Address
) -> None:
    monkeypatch.setattr(deadlines, "UNWANTED_SECONDS_MAX", 0.05)
    client = await connect(address)
    client[1].write(post(b"/unread", LENGTH, b""))
    assert (await answer(client))[0] == 401
    assert await rest(client) == b""


async def test_requests_behind_another_wait_and_stop_the_reading() -> None:
    application = Application()
    connection, transport = connected(application)
    connection.data_received(post(b"/held") + HEALTH)
    await application.asked.acquire()
    assert not transport.reading
    assert transport.sent == b""
    application.go.set()
    assert await statuses(connection, transport) == [b"200", b"200"]
    assert transport.reading


async def test_a_client_that_does_not_read_is_not_answered_further() -> None:
    application = Application()
    connection, transport = connected(application)
    connection.pause_writing()
    connection.data_received(ECHO + ECHO)
    await answer_complete_requests()
    assert len(application.requests) == 1
    connection.resume_writing()
    assert await statuses(connection, transport) == [b"200", b"200"]


@pytest.mark.parametrize("state", STALLED)
async def test_a_client_that_takes_nothing_is_aborted_in_every_state(state: str) -> None:
    await scenarios_kit.a_stalled_client_is_aborted(state)


@pytest.mark.parametrize("state", STALLED)
async def test_a_client_that_takes_its_answer_slowly_has_all_the_time_it_needs(state: str) -> None:
    await scenarios_kit.a_slow_client_is_not_aborted(state)


async def test_more_of_a_body_than_is_read_stops_the_reading() -> None:
    application = Application()
    connection, transport = connected(application)
    length = b"content-length: 1000000\r\n"
    connection.data_received(post(b"/unread", length, b" " * UNREAD_BYTES_MAX))
    assert transport.reading
    connection.data_received(b" ")
    assert not transport.reading
    assert await statuses(connection, transport) == [b"401"]
    assert transport.reading  # the rest of it is dropped


async def test_the_next_request_has_an_answer_after_a_body_that_nobody_read() -> None:
    connection, transport = connected()
    connection.data_received(post(b"/unread") + LAST_HEALTH)
    assert await statuses(connection, transport) == [b"401", b"200"]
