"""One connection over a socket: what its answers say, and how it ends."""

import asyncio

import pytest

from gateway.http.listener import Address
from tests.gateway.connection_kit import answer, connect, rest
from tests.gateway.http.conftest import Served
from tests.gateway.http.http_kit import BODY, ECHO, HEALTH, LAST_HEALTH, LENGTH, post
from tests.gateway.http.scenarios_kit import (
    CHUNKED,
    a_client_that_is_refused_while_it_sends_reads_its_answer,
)


async def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(address: Address) -> None:
    reader, writer = await connect(address)
    expect = LENGTH + b"expect: 100-continue\r\nconnection: close\r\n"
    writer.write(post(b"/echo", expect, b""))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_sends_no_http_is_told_so(address: Address) -> None:
    reader, writer = await connect(address)
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await rest((reader, writer))).startswith(b"HTTP/1.1 400 ")


async def test_the_answer_to_head_has_the_length_of_a_body_and_none(address: Address) -> None:
    client = await connect(address)
    client[1].write(b"HEAD /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
    head, _, body = (await rest(client)).partition(b"\r\n\r\n")
    assert b"content-length: 15" in head
    assert body == b""


async def test_an_answer_without_content_has_no_length(address: Address) -> None:
    client = await connect(address)
    client[1].write(b"GET /known HTTP/1.1\r\nhost: here\r\n\r\n" + LAST_HEALTH)
    head = (await client[0].readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 304 Not Modified\r\ndate: ")
    assert head.endswith(' GMT\r\netag: "e.7"\r\n\r\n')
    assert (await answer(client))[0] == 200
    client[1].close()


async def test_the_last_answer_says_that_it_is_the_last(address: Address) -> None:
    client = await connect(address)
    client[1].write(HEALTH + LAST_HEALTH)
    first, last = await answer(client), await answer(client)
    assert "connection" not in first[1]
    assert last[1]["connection"] == "close"
    assert await rest(client) == b""


async def test_answers_have_a_date(address: Address) -> None:
    client = await connect(address)
    client[1].write(HEALTH)
    assert (await answer(client))[1]["date"].endswith(" gmt")
    client[1].close()


async def test_a_client_refused_before_its_body_arrived_can_go_on_behind_it(
    address: Address,
) -> None:
    client = await connect(address)
    client[1].write(post(b"/unread", body=b""))
    assert (await answer(client))[0] == 401
    client[1].write(BODY + ECHO)
    assert (await answer(client))[0] == 200
    client[1].close()


@pytest.mark.parametrize(
    "sent",
    [
        post(b"/echo", b"content-length: 8000000\r\n", b" " * 8_000_000),
        post(b"/echo", CHUNKED, b"7a1200\r\n" + b" " * 8_000_000 + b"\r\n0\r\n\r\n"),
        b"GET /healthz HTTP/1.1\r\nx: " + b"a" * 8_000_000,
        b"no request\r\n" * 100_000,
    ],
    ids=["a body", "chunks", "a head", "garbage"],
)
async def test_a_client_that_is_refused_while_it_sends_reads_its_answer(sent: bytes) -> None:
    await a_client_that_is_refused_while_it_sends_reads_its_answer(sent)


async def test_a_client_that_closes_its_side_still_gets_the_answer(address: Address) -> None:
    client = await connect(address)
    client[1].write(ECHO)
    client[1].write_eof()
    assert (await rest(client)).startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_closes_its_side_inside_a_body_is_not_answered(
    address: Address,
) -> None:
    client = await connect(address)
    client[1].write(post(b"/echo", body=b"{"))
    client[1].write_eof()
    assert await rest(client) == b""


async def test_a_connection_lost_while_an_answer_is_made_harms_nobody(served: Served) -> None:
    _, application, address = served
    lost, kept = await connect(address), await connect(address)
    for client in (lost, kept):
        client[1].write(post(b"/held"))
        await application.asked.acquire()
    lost[1].transport.abort()
    application.go.set()
    assert (await answer(kept))[0] == 200
    kept[1].close()


async def test_a_stop_answers_the_requests_that_have_arrived_and_closes(served: Served) -> None:
    listener, application, address = served
    idle, busy = await connect(address), await connect(address)
    busy[1].write(post(b"/held"))
    await application.asked.acquire()
    stopping = asyncio.create_task(listener.stop())
    assert await rest(idle) == b""
    application.go.set()
    status, headers, _ = await answer(busy)
    assert (status, headers["connection"]) == (200, "close")
    busy[1].close()
    await stopping


async def test_a_stop_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    monkeypatch.setattr("gateway.http.listener.STOP_SECONDS", 0.05)
    listener, application, address = served
    busy = await connect(address)
    busy[1].write(post(b"/held"))
    await application.asked.acquire()
    await listener.stop()
    assert await rest(busy) == b""
