"""Bytes that are no body: how many a client may send, and what becomes of them."""

import pytest

from gateway.http.request_parser import HEAD_BYTES_MAX
from tests.gateway.http import scenarios_kit
from tests.gateway.http.http_kit import (
    BODY,
    ECHO,
    HEALTH,
    LAST_HEALTH,
    LENGTH,
    answer_complete_requests,
    connected,
    post,
    statuses,
)
from tests.gateway.http.scenarios_kit import CHUNKED, ENDLESS, H2C, IN_CHUNKS


@pytest.mark.parametrize("piece", [100, 60_000])
@pytest.mark.parametrize("what", ENDLESS)
async def test_nothing_but_a_body_goes_on_for_ever(what: str, piece: int) -> None:
    await scenarios_kit.nothing_but_a_body_goes_on_for_ever(*ENDLESS[what], piece)


@pytest.mark.parametrize("apart", [False, True], ids=["in one piece", "behind the answer"])
@pytest.mark.parametrize(
    "trailer",
    [
        b"Authorization: Bearer good\r\n",
        b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
        b"Host: there\r\nHost: elsewhere\r\n",
        b"X: a\r\n" * 100,
    ],
    ids=["credentials", "a type", "hosts", "many"],
)
async def test_trailers_are_no_headers(trailer: bytes, apart: bool) -> None:
    await scenarios_kit.a_trailer_is_no_header(trailer, apart)


async def test_small_headers_take_little_memory() -> None:
    await scenarios_kit.small_headers_take_little_memory()


async def test_requests_that_wait_take_little_memory() -> None:
    await scenarios_kit.requests_that_wait_take_little_memory()


@pytest.mark.parametrize("cut", [1, 100, 5_000, 1_000_000])
async def test_more_requests_than_wait_are_answered_in_order_and_end_as_they_should(
    cut: int,
) -> None:
    connection, transport = connected()
    sent = (HEALTH + ECHO) * 100 + post(b"/unread") + LAST_HEALTH + HEALTH * 500
    for start in range(0, len(sent), cut):
        if not transport.closed:
            connection.data_received(sent[start : start + cut])
        if cut == 5_000:
            await answer_complete_requests()
    expected = [b"200", b"200"] * 100 + [b"401", b"200"]
    assert await statuses(connection, transport) == expected
    assert transport.ended


async def test_garbage_behind_more_requests_than_wait_is_refused_behind_their_answers() -> None:
    connection, transport = connected()
    connection.data_received(HEALTH * 500 + b"no request\r\n\r\n" + HEALTH * 500)
    assert await statuses(connection, transport) == [b"200"] * 500 + [b"400"]
    assert transport.ended


async def test_a_body_of_small_chunks_is_read() -> None:
    await scenarios_kit.a_body_of_small_chunks_is_read()


async def test_a_head_within_the_limit_is_answered() -> None:
    connection, transport = connected()
    value = b"x: " + b"a" * (HEAD_BYTES_MAX - 200) + b"\r\n"
    connection.data_received(post(b"/echo", LENGTH + value))
    assert await statuses(connection, transport) == [b"200"]


async def test_many_requests_in_one_piece_have_a_limit_each() -> None:
    connection, transport = connected()
    request = post(b"/echo", LENGTH + b"x: " + b"a" * 1_000 + b"\r\n")
    connection.data_received(request * 100 + request[:500])
    assert await statuses(connection, transport) == [b"200"] * 100


@pytest.mark.parametrize(
    ("framing", "body"),
    [(LENGTH, BODY), (CHUNKED, IN_CHUNKS + b"\r\n")],
    ids=["of a known length", "in chunks"],
)
async def test_an_upgrade_that_is_not_taken_is_served_with_its_body(
    framing: bytes, body: bytes
) -> None:
    await scenarios_kit.an_upgrade_that_is_not_taken_costs_nothing(framing, body)


@pytest.mark.parametrize(
    "offering",
    [
        b"GET /healthz HTTP/1.1\r\nhost: here\r\n" + H2C + b"\r\n",
        post(b"/echo", H2C + LENGTH),
        post(b"/echo", H2C + CHUNKED, IN_CHUNKS + b"\r\n"),
    ],
    ids=["no body", "a body", "a body in chunks"],
)
async def test_bytes_behind_an_upgrade_are_no_request(offering: bytes) -> None:
    await scenarios_kit.bytes_of_another_protocol_are_no_request(offering)
