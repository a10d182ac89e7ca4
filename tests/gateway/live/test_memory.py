"""Quiet connections are small, and closed ones die without the collector."""

import gc
import tracemalloc
import weakref
from contextlib import AsyncExitStack

from gateway.live.connection import LiveConnection
from gateway.live.connections import LiveConnections
from tests.gateway.gateway_kit import SERVICE
from tests.gateway.live.live_kit import MSGPACK, grant, server
from tests.gateway.live.raw_kit import opened


async def test_ten_of_ten_closed_connections_are_gone_with_the_collector_off(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    made: list[weakref.ref[LiveConnection]] = []
    opened = LiveConnections.opened

    def remember(self: LiveConnections, connection: LiveConnection) -> None:
        made.append(weakref.ref(connection))
        opened(self, connection)

    monkeypatch.setattr(LiveConnections, "opened", remember)
    async with server() as here:
        gc.collect()
        gc.disable()
        try:
            for number in range(10):
                async with here.service("/v1/users/alice/live") as line:
                    await line.send(grant(f"g{number}"))
                    await line.hear_of("reply")
            async with here.connect() as last:
                await last.hear_of("caught_up")
                alive = [reference() for reference in made[:10]]
        finally:
            gc.enable()
    assert alive == [None] * 10


QUIET = 200
BYTES_MAX = 13_000
"""Of Python's own, of both ends: the client's is asyncio's streams, some 4 kB."""


async def test_a_quiet_connection_is_small() -> None:
    async with server() as here, AsyncExitStack() as held:
        path = "/v1/users/alice/live"
        await held.enter_async_context(opened(here, path, bearer=SERVICE, protocol=MSGPACK))
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(QUIET):
                await held.enter_async_context(opened(here, path, bearer=SERVICE, protocol=MSGPACK))
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken / QUIET < BYTES_MAX
