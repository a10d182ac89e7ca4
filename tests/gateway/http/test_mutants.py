"""Mutation tests: each limit of the HTTP server is broken in turn, and a scenario has to fail."""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

import pytest

from gateway.http import request_parser
from gateway.http.connection import Connection
from gateway.http.connections import Connections
from gateway.http.request_parser import RequestParser, Stage
from gateway.http.unsent import UNSENT_SECONDS_MAX, UnsentDeadline
from tests.gateway.http import scenarios_kit as scenarios
from tests.gateway.http.http_kit import BODY, LENGTH, post
from tests.gateway.http.websocket_kit import bytes_behind_a_handshake_reach_the_other_protocol

Patch = pytest.MonkeyPatch


async def fails(scenario: Coroutine[Any, Any, None]) -> None:
    with pytest.raises(AssertionError):
        await scenario


@pytest.mark.parametrize(
    "what", ["the value of a header", "trailers", "the value of a trailer", "empty lines"]
)
async def test_a_parser_without_a_limit_is_caught(monkeypatch: Patch, what: str) -> None:
    monkeypatch.setattr(request_parser, "HEAD_BYTES_MAX", 1 << 40)
    await fails(scenarios.nothing_but_a_body_goes_on_for_ever(*scenarios.ENDLESS[what], 60_000))


async def test_a_parser_that_keeps_any_number_of_headers_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(request_parser, "HEADERS_MAX", 1 << 40)
    await fails(scenarios.small_headers_take_little_memory())


async def test_a_parser_that_reads_all_requests_at_once_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(request_parser, "PIPELINED_MAX", 1 << 40)
    await fails(scenarios.requests_that_wait_take_little_memory())


async def test_a_limit_on_heads_only_is_caught(monkeypatch: Patch) -> None:
    reject = RequestParser._reject

    def only_heads(self: RequestParser, status: HTTPStatus) -> None:
        if self.stage is Stage.HEAD:
            reject(self, status)

    monkeypatch.setattr(RequestParser, "_reject", only_heads)
    await fails(
        scenarios.nothing_but_a_body_goes_on_for_ever(*scenarios.ENDLESS["trailers"], 60_000)
    )


async def test_a_parser_that_takes_trailers_for_headers_is_caught(monkeypatch: Patch) -> None:
    def on_header(self: RequestParser, name: bytes, value: bytes) -> None:
        headers = self._headers if self.newest is None else self.newest.headers
        headers.append((name.lower(), value))

    monkeypatch.setattr(RequestParser, "on_header", on_header)
    await fails(scenarios.a_trailer_is_no_header(b"Authorization: Bearer good\r\n", apart=False))


async def test_a_limit_that_a_body_does_not_renew_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(request_parser, "FRAMING_BYTES_MAX", 0)
    await fails(scenarios.a_body_of_small_chunks_is_read())


async def test_a_parser_that_skips_the_body_behind_an_upgrade_is_caught(
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(request_parser, "_FRAMING", frozenset())
    await fails(scenarios.an_upgrade_that_is_not_taken_costs_nothing(LENGTH, BODY))


async def test_a_parser_that_reads_on_behind_an_upgrade_is_caught(monkeypatch: Patch) -> None:
    begin = RequestParser.on_message_begin

    def on_message_begin(self: RequestParser) -> None:
        self.offered = False
        begin(self)

    monkeypatch.setattr(RequestParser, "on_message_begin", on_message_begin)
    offering = post(b"/echo", scenarios.H2C + LENGTH)
    await fails(scenarios.bytes_of_another_protocol_are_no_request(offering))


@pytest.mark.parametrize("end", ["the client closes", "it sends no request"])
async def test_a_connection_that_keeps_its_parser_is_caught(monkeypatch: Patch, end: str) -> None:
    monkeypatch.setattr(RequestParser, "close", lambda self: None)
    await fails(scenarios.a_closed_connection_is_gone(end))


async def test_a_connection_that_keeps_its_requests_is_caught(monkeypatch: Patch) -> None:
    def connection_lost(self: Connection, exc: Exception | None) -> None:
        self._transport = None
        self._owner.closed(self)
        self._break_off()
        self._parser.close()

    monkeypatch.setattr(Connection, "connection_lost", connection_lost)
    await fails(scenarios.a_closed_connection_is_gone("the server stops while requests wait"))


@pytest.mark.parametrize("state", ["idle", "closing", "after the last answer"])
async def test_a_deadline_of_full_buffers_only_is_caught(monkeypatch: Patch, state: str) -> None:
    close_if_expired = Connection.close_if_expired

    def only_when_paused(self: Connection, now: float) -> None:
        if self._writable is not None:
            close_if_expired(self, now)

    monkeypatch.setattr(Connection, "close_if_expired", only_when_paused)
    await fails(scenarios.a_stalled_client_is_aborted(state))


async def test_a_deadline_of_a_whole_answer_is_caught(monkeypatch: Patch) -> None:
    def once(self: UnsentDeadline, transport: asyncio.WriteTransport, now: float) -> bool:
        self._expires_at = min(self._expires_at, now + UNSENT_SECONDS_MAX)
        return self._expires_at < now

    monkeypatch.setattr(UnsentDeadline, "expired", once)
    await fails(scenarios.a_slow_client_is_not_aborted("idle"))


async def test_a_close_with_bytes_unread_is_caught(monkeypatch: Patch) -> None:
    finish = Connection._finish

    def at_once(self: Connection) -> None:
        self._half_closed = True
        finish(self)

    monkeypatch.setattr(Connection, "_finish", at_once)
    sent = post(b"/echo", b"content-length: 8000000\r\n", b" " * 8_000_000)
    await fails(scenarios.a_client_that_is_refused_while_it_sends_reads_its_answer(sent))


async def test_room_made_among_all_connections_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Connection, "idle", True)
    await fails(scenarios.the_longest_idle_connections_make_room())


async def test_room_made_among_the_newest_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        "gateway.http.connections.nsmallest", lambda n, idle, key: sorted(idle, key=key)[-n:]
    )
    await fails(scenarios.the_longest_idle_connections_make_room())


async def test_a_handover_that_forgets_bytes_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        RequestParser,
        "unparsed",
        property(lambda self: b"", lambda self, value: None),
        raising=False,
    )
    await fails(bytes_behind_a_handshake_reach_the_other_protocol(1_000_000))


async def test_a_handover_that_is_not_counted_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Connections, "closed", lambda self, connection: None)
    await fails(bytes_behind_a_handshake_reach_the_other_protocol(1_000_000))
