"""Closed connections die without the collector."""

import gc
import weakref

from gateway.live.connection import LiveConnection
from gateway.live.connections import LiveConnections
from tests.gateway.live.live_kit import grant, server


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
