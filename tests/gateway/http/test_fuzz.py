"""Random mutations of valid exchanges, cut at random places: no exception, and no difference.

Not for: what the right answer to any of them is (`test_exchanges`).
"""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.connections import Connections
from gateway.http.responses import CONTINUE
from tests.gateway.http.http_kit import (
    BODY,
    ECHO,
    HEALTH,
    LAST_HEALTH,
    LENGTH,
    Application,
    MemoryTransport,
    answer_complete_requests,
    connection_of,
    head,
    post,
)
from tests.gateway.http.scenarios_kit import CHUNKED, H2C

pytestmark = pytest.mark.slow

MESSAGES = [
    HEALTH,
    ECHO,
    LAST_HEALTH,
    post(b"/unread"),
    post(b"/echo", CHUNKED, b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\nZ: w\r\n\r\n"),
    post(b"/unread", CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    post(b"/echo", LENGTH + b"expect: 100-continue\r\n"),
    head(b"HEAD /healthz HTTP/1.1", b"host: here", b"x: y"),
    head(b"GET http://here/healthz?a=b HTTP/1.1", b"host: here:80"),
    head(b"GET /healthz HTTP/1.0"),
    head(b"OPTIONS * HTTP/1.1", b"Host: [::1]"),
    post(b"/echo", b"content-length: 0\r\n", b""),
    b"\r\n" + HEALTH,
]
UPGRADES = [
    post(b"/echo", LENGTH + H2C),
    post(b"/echo", H2C + CHUNKED, b"2\r\nab\r\n0\r\nX: y\r\n\r\n"),
    head(b"GET /healthz HTTP/1.1", b"host: here", b"connection: upgrade", b"upgrade: websocket"),
]
SPICE = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b";", b",", b"\xff"),
    *(b"0", b"5", b"ffffffffffffffff", b"-1", b"0\r\n\r\n", b"chunked", b"HTTP/1.0"),
    *(b"Host: a\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"Transfer-Encoding: identity\r\n", HEALTH),
]

mutations = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "repeat"]),
        st.integers(0, 2_000),
        st.integers(1, 40),
        st.one_of(st.sampled_from(SPICE), st.binary(min_size=1, max_size=4)),
    ),
    max_size=4,
)
cuts = st.lists(st.integers(0, 2_000), max_size=8)


def mutated(sent: bytes, changes: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    for change, place, length, spice in changes:
        at = place % (len(sent) + 1)
        before, part, after = sent[:at], sent[at : at + length], sent[at + length :]
        middle = {
            "insert": spice + part,
            "delete": b"",
            "replace": spice,
            "repeat": part + part,
        }[change]
        sent = before + middle + after
    return sent


async def exchange(pieces: Sequence[bytes], answers_between: bool) -> bytes:
    """What is sent back; the connection has ended when this returns.

    Left out is what rightly depends on what has arrived by then: leave to send a body, and whether
    an answer already knows that it is the last one.
    """
    owner, transport = Connections(Application().answer), MemoryTransport()
    owner.date = b"now"
    connection = connection_of(owner)
    connection.connection_made(transport)
    for piece in pieces:
        if not transport.closed:
            connection.data_received(piece)
        if answers_between:
            await answer_complete_requests()
    for _ in range(5):
        await answer_complete_requests()
    if not transport.closed and not connection.eof_received():
        transport.close()  # as transports do
    async with asyncio.timeout(5):
        while connection.answering is not None:
            await connection.answering
    assert transport.closed
    connection.connection_lost(None)
    assert owner.count == 0
    return transport.sent.replace(CONTINUE, b"").replace(b"connection: close\r\n", b"")


def pieces_of(sent: bytes, places: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(sent) + 1) for place in places), len(sent)]
    return [sent[begin:end] for begin, end in itertools.pairwise(ends)]


@settings(max_examples=400, deadline=None)
@given(messages=st.lists(st.sampled_from(MESSAGES), max_size=4), changes=mutations, places=cuts)
def test_mutated_requests_are_answered_the_same_however_they_are_cut(
    messages: list[bytes], changes: list[tuple[str, int, int, bytes]], places: list[int]
) -> None:
    sent = mutated(b"".join(messages), changes)

    async def compare() -> None:
        whole = await exchange([sent], answers_between=False)
        pieces = pieces_of(sent, places)
        assert await exchange(pieces, answers_between=True) == whole
        assert await exchange(pieces, answers_between=False) == whole
        assert await exchange([sent[at : at + 1] for at in range(len(sent))], False) == whole

    asyncio.run(compare())


@settings(max_examples=200, deadline=None)
@given(
    messages=st.lists(st.sampled_from([*MESSAGES, *UPGRADES]), max_size=4),
    changes=mutations,
    places=cuts,
)
def test_mutated_upgrades_are_answered_the_same_however_they_are_cut(
    messages: list[bytes], changes: list[tuple[str, int, int, bytes]], places: list[int]
) -> None:
    """Before any answer, that is: behind an upgrade that was answered requests count again."""
    sent = mutated(b"".join(messages), changes)

    async def compare() -> None:
        whole = await exchange([sent], answers_between=False)
        pieces = pieces_of(sent, places)
        assert await exchange(pieces, answers_between=False) == whole
        await exchange(pieces, answers_between=True)  # ends, and raises nothing

    asyncio.run(compare())
