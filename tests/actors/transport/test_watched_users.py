"""Watched users on a channel: a gateway that does not read, and a connection that breaks early."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import HostGone
from actors.feeds.changes import Change
from actors.host.host import Host
from actors.transport import socket_channel
from actors.transport.addresses import LocalAddress
from actors.transport.frames import DurableRecords, Frames, ReadAnew, decode_host_messages
from actors.transport.gateway_connection import GatewayConnection
from actors.transport.outbox import RECORDS_BEHIND_BYTES, Outbox
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from tests.actors.host_kit import Rig, grant


class Written(asyncio.WriteTransport):
    """A transport whose other end reads when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 0
        self.messages: list[object] = []
        self._frames = Frames()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.unread += len(data)
        for payload in self._frames.feed(bytes(data)):
            self.messages += decode_host_messages(payload)


async def test_a_gateway_that_does_not_read_is_told_to_read_anew() -> None:
    transport = Written()
    outbox = Outbox(transport)
    record = bytes(1024 * 1024)
    while transport.unread <= RECORDS_BEHIND_BYTES:
        outbox.send_records([record])
    told = len(transport.messages)
    outbox.pause()
    for _ in range(100):
        outbox.send_records([record])
    assert len(transport.messages) == told
    transport.unread = 0
    outbox.resume()
    outbox.send_records([b"later"])
    assert transport.messages[told:] == [ReadAnew(), DurableRecords([b"later"])]


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.losses = 0

    def changed(self, change: Change) -> None:
        self.versions.append(change.version)

    def lost(self) -> None:
        self.losses += 1


@pytest.fixture
async def host(tmp_path: Path) -> tuple[Host, Path]:
    served = Rig().host
    await served.open()
    return served, tmp_path / "host"


async def the(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)


async def test_a_connection_that_breaks_while_it_is_made_is_none(
    host: tuple[Host, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, path = host
    server = await SocketServer.listen(served, str(path))
    tries = []
    connect = socket_channel.connect

    async def broken_at_first(where: LocalAddress, connection: GatewayConnection) -> None:
        await connect(where, connection)
        tries.append(connection)
        if len(tries) == 1:
            connection._transport.abort()  # type: ignore[union-attr]
            await the(lambda: connection.lost)

    async def find() -> LocalAddress:
        return LocalAddress(str(path))

    monkeypatch.setattr(socket_channel, "connect", broken_at_first)
    channel = SocketChannel(find)
    [reply] = await channel.ask([grant("u", "c1")], 10)
    assert (reply.code, len(tries)) == ("", 2)
    channel.close()
    server.close()


async def test_whoever_watches_without_asking_is_connected_and_hears_again_after_a_break(
    host: tuple[Host, Path],
) -> None:
    served, path = host
    server = await SocketServer.listen(served, str(path))

    async def find() -> LocalAddress:
        return LocalAddress(str(path))

    channel, heard = SocketChannel(find), Heard()
    feed = channel.watched.feeds.watch("u", heard)
    await the(lambda: "u" in served.watches.by_user)
    await served.ask([grant("u", "c1"), grant("other", "c1")])
    await the(lambda: heard.versions == [1])
    [watcher] = served.watches.by_user["u"]
    watcher._abort()  # type: ignore[attr-defined]
    await the(lambda: heard.losses == 1 and "u" in served.watches.by_user)
    await served.ask([grant("u", "c2")])
    await the(lambda: heard.versions == [1, 2])
    feed.close()
    await the(lambda: not served.watches.by_user)
    channel.close()
    server.close()


async def test_whoever_stops_listening_after_the_channel_is_closed_connects_nobody() -> None:
    """A server that stops closes its channels first; the host may be gone for good."""
    asked = []

    async def find() -> LocalAddress:
        asked.append("where")
        raise HostGone

    channel = SocketChannel(find)
    feeds = [channel.watched.feeds.watch(user, Heard()) for user in ("u", "v", "w")]
    await the(lambda: bool(asked))
    channel.close()
    await asyncio.sleep(0)
    tries = len(asked)
    for feed in feeds:
        feed.close()
        for _ in range(10):
            await asyncio.sleep(0)
    assert len(asked) == tries
