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
    LENGTH,
    answer_complete_requests,
    connected,
    head,
    post,
    statuses,
)

CHUNKED = b"transfer-encoding: chunked\r\n"

HOST = b"host: here"
GET = b"GET /healthz HTTP/1.1"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)

EXCHANGES = {
    "requests in one piece, in order": (
        HEALTH + head(b"GET /no HTTP/1.1", HOST) + ECHO,
        b"200 404 200",
    ),
    "a body in chunks": (post(b"/echo", CHUNKED, IN_CHUNKS) + HEALTH, b"200 200"),
    "a body in chunks, with extensions and trailers": (
        post(b"/echo", CHUNKED, b"3;a=b\r\nabc\r\n0;c\r\nX-Checksum: 1\r\n\r\n") + HEALTH,
        b"200 200",
    ),
    "a body that nobody reads": (
        head(GET, HOST, b"content-length: 3") + b"abc" + HEALTH,
        b"200 200",
    ),
    "empty lines before and between requests": (
        b"\r\n" + HEALTH + b"\r\n\r\n" + HEALTH,
        b"200 200",
    ),
    "a query": (head(b"GET /healthz?limit=x HTTP/1.1", HOST), b"200"),
    "a path with scheme and host": (head(b"GET http://here/healthz HTTP/1.1", HOST), b"200"),
    "a fragment": (head(b"GET /healthz#here HTTP/1.1", HOST), b"200"),
    "a path that is no text": (head(b"GET /\xff HTTP/1.1", HOST), b"400"),
    "a method the path does not take": (head(b"PROPFIND /healthz HTTP/1.1", HOST), b"405"),
    "a tunnel": (head(b"CONNECT here:80 HTTP/1.1", HOST) + HEALTH, b"501"),
    "garbage behind a request": (HEALTH + b"\x16\x03\x01\r\n\r\n", b"200 400"),
    "garbage inside a body": (post(b"/echo", CHUNKED, b"zz\r\n"), b"400"),
    "garbage inside the last body": (
        post(b"/echo", CHUNKED + b"connection: close\r\n", b"zz\r\n"),
        b"400",
    ),
    "garbage inside a body that nobody reads": (post(b"/unread", CHUNKED, b"zz\r\n"), b"401"),
    "a trailer that is no header line": (
        post(b"/echo", CHUNKED, b"0\r\nno colon\r\n\r\n"),
        b"400",
    ),
    "more behind the last request": (LAST_HEALTH + HEALTH, b"200"),
    "HTTP/1.0, which ends with its answer": (head(b"GET /healthz HTTP/1.0") + HEALTH, b"200"),
    "HTTP/1.0 that would be kept alive": (
        head(b"GET /healthz HTTP/1.0", b"connection: keep-alive") + HEALTH,
        b"200",
    ),
    "HTTP/1.0 with a body in chunks": (
        head(b"POST /echo HTTP/1.0", b"transfer-encoding: chunked") + IN_CHUNKS + HEALTH,
        b"400",
    ),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", b"505"),
    "HTTP/2.0": (head(b"GET /healthz HTTP/2.0", HOST) + HEALTH, b"505"),
    "RTSP": (head(b"GET /healthz RTSP/1.0", HOST) + HEALTH, b"400"),
    "RTSP of another version": (head(b"GET /healthz RTSP/1.1", HOST) + HEALTH, b"400"),
    "no host": (head(GET) + HEALTH, b"400"),
    "an empty host": (head(GET, b"host:"), b"200"),
    "two hosts": (head(GET, HOST, b"Host: there"), b"400"),
    "the same host twice": (head(GET, HOST, HOST), b"400"),
    "a host with a path": (head(GET, b"host: a/b"), b"400"),
    "several hosts in one": (head(GET, b"host: a, b"), b"400"),
    "a host with a space": (head(GET, b"host: a b"), b"400"),
    "a host with a user": (head(GET, b"host: a@b"), b"400"),
    "a host with a port": (head(GET, b"host: here.example:8080"), b"200"),
    "a host that is an IPv6 address": (head(GET, b"host: [::1]:8080"), b"200"),
    "a host whose port is no number": (head(GET, b"host: here:http"), b"400"),
    "a good host and then a bad one": (HEALTH + head(GET, b"host: a/b") + HEALTH, b"200 400"),
    "an upgrade that is not taken": (head(GET, HOST, H2C[:-2]), b"200"),
    "an upgrade that is not taken, and a body of a known length": (
        post(b"/echo", LENGTH + H2C),
        b"200",
    ),
    "an upgrade that is not taken, and a body in chunks": (
        post(b"/echo", H2C + CHUNKED, IN_CHUNKS),
        b"200",
    ),
    "an upgrade that is not taken, and a body that nobody reads": (
        post(b"/unread", LENGTH + H2C),
        b"401",
    ),
    "an upgrade behind another request": (HEALTH + post(b"/echo", LENGTH + H2C), b"200 200"),
    "an upgrade with the last request": (
        post(b"/echo", LENGTH + b"connection: close, upgrade\r\nupgrade: h2c\r\n"),
        b"200",
    ),
    "an upgrade with a body that is no HTTP": (post(b"/echo", H2C + CHUNKED, b"zz\r\n"), b"400"),
    "an upgrade with a body of an unknown coding": (
        post(b"/echo", H2C + b"transfer-encoding: gzip\r\n", b"zz\r\n"),
        b"400",
    ),
    "an upgrade without a connection header": (
        head(GET, HOST, b"upgrade: h2c") + HEALTH,
        b"200 200",
    ),
    "a connection header without an upgrade": (
        head(GET, HOST, b"connection: upgrade") + HEALTH,
        b"200 200",
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
            await answer_complete_requests()
        assert b" ".join(await statuses(connection, transport)) == expected

    asyncio.run(exchange())
