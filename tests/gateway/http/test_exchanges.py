"""What is sent on a connection, and the statuses that come back, wherever the bytes are cut."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.http.http_kit import (
    BODY,
    ECHO,
    HEALTH,
    LAST_HEALTH,
    answer_complete_requests,
    connected,
    post,
    statuses,
)

CHUNKED = b"transfer-encoding: chunked\r\n"

EXCHANGES = {
    "requests in one piece, in order": (
        HEALTH + b"GET /no HTTP/1.1\r\nhost: here\r\n\r\n" + ECHO,
        b"200 404 200",
    ),
    "a body in chunks": (
        post(b"/echo", CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
        b"200",
    ),
    "a body that nobody reads": (
        b"GET /healthz HTTP/1.1\r\nhost: here\r\ncontent-length: 3\r\n\r\nabc" + HEALTH,
        b"200 200",
    ),
    "a query": (b"GET /healthz?limit=x HTTP/1.1\r\nhost: here\r\n\r\n", b"200"),
    "a path with scheme and host": (b"GET http://here/healthz HTTP/1.1\r\nhost: h\r\n\r\n", b"200"),
    "a fragment": (b"GET /healthz#here HTTP/1.1\r\nhost: here\r\n\r\n", b"200"),
    "a path that is no text": (b"GET /\xff HTTP/1.1\r\nhost: here\r\n\r\n", b"400"),
    "a method the path does not take": (
        b"PROPFIND /healthz HTTP/1.1\r\nhost: here\r\n\r\n",
        b"405",
    ),
    "garbage behind a request": (HEALTH + b"\x16\x03\x01\r\n\r\n", b"200 400"),
    "garbage inside a body": (post(b"/echo", CHUNKED, b"zz\r\n"), b"400"),
    "more behind the last request": (LAST_HEALTH + HEALTH, b"200"),
    "HTTP/1.0, which ends with its answer": (b"GET /healthz HTTP/1.0\r\n\r\n" + HEALTH, b"200"),
    "an upgrade that is not taken": (
        b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nPRI",
        b"200",
    ),
}


@pytest.mark.parametrize("name", EXCHANGES)
async def test_exchanges(name: str) -> None:
    sent, expected = EXCHANGES[name]
    connection, transport = connected()
    connection.data_received(sent)
    assert b" ".join(await statuses(connection, transport)) == expected


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(EXCHANGES)), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_where_the_bytes_are_cut_makes_no_difference(name: str, cuts: list[int]) -> None:
    async def exchange() -> None:
        sent, expected = EXCHANGES[name]
        connection, transport = connected()
        places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        for begin, end in itertools.pairwise(places):
            if not transport.closed:
                connection.data_received(sent[begin:end])
            await answer_complete_requests(connection)
        assert b" ".join(await statuses(connection, transport)) == expected

    asyncio.run(exchange())
