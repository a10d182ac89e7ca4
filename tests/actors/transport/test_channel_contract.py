"""Both ways to a packed host keep the contract: within a node, and between nodes over TCP.

A real host and real sockets in this process; with processes and Ray around it in `tests/cluster`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from actors.cluster.contract import Activity
from actors.cluster.host_actor import PackedHost
from actors.feeds.feed import Feed, Listener
from actors.messages import Reply, Request
from actors.transport.addresses import (
    HostAddress,
    LocalAddress,
    Node,
    RemoteAddress,
    RunningHost,
)
from actors.transport.frames import frame
from actors.transport.socket_channel import SocketChannel
from tests.actors.host_kit import body, grant, look, settings
from tests.conformance.cluster_kit import DIRECTORY_CHECKS, DirectoryCheck

HERE = RunningHost(Node("here", "127.0.0.1"), os.getpid(), "")


def packed_host(folder: Path) -> PackedHost:
    return PackedHost("users:0", settings(store_url=folder.as_uri()), lambda: HERE, lambda: None)


class OneHost:
    """A cluster of one packed host, asked from `node_id`."""

    def __init__(self, folder: Path, node_id: str) -> None:
        self.folder = folder
        self.node_id = node_id
        self.host = packed_host(folder)
        self.found: list[HostAddress] = []
        self.channel = SocketChannel(self.find)

    async def find(self) -> HostAddress:
        self.found.append(await self.host.where(self.node_id))
        return self.found[-1]

    def host_of(self, user_id: str) -> str:
        return "the one"

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        return await self.channel.ask(requests, 30)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        return self.channel.watched.feeds.watch(user_id, listener)

    def activity(self) -> Activity:
        return Activity()

    async def drain(self) -> None:
        self.channel.close()
        await self.host.drain()


@pytest.fixture(params=["here", "elsewhere"])
async def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OneHost]:
    started = OneHost(tmp_path, request.param)
    yield started
    await started.drain()


@pytest.mark.parametrize("check", DIRECTORY_CHECKS, ids=lambda check: check.__name__)
async def test_a_channel_keeps_the_contract(check: DirectoryCheck, cluster: OneHost) -> None:
    await check(cluster)


async def test_a_gateway_of_another_node_is_led_to_a_door_and_one_of_this_node_to_a_folder(
    tmp_path: Path,
) -> None:
    host = packed_host(tmp_path)
    assert isinstance(await host.where("here"), LocalAddress)
    first, second = await host.where("elsewhere"), await host.where("a third")
    assert isinstance(first, RemoteAddress)
    assert first == second
    await host.drain()


async def test_a_channel_that_was_told_of_an_earlier_incarnation_asks_again(tmp_path: Path) -> None:
    cluster = OneHost(tmp_path, "elsewhere")
    before = packed_host(tmp_path / "another")
    stale = await before.where("elsewhere")
    right = await cluster.find()
    assert isinstance(stale, RemoteAddress)
    assert isinstance(right, RemoteAddress)
    answers = iter([RemoteAddress(right.ip, right.port, stale.identity), right])

    async def find() -> HostAddress:
        return next(answers)

    channel = SocketChannel(find)
    (reply,) = await channel.ask([grant("user", "c", 5)], 30)
    assert body(reply)["version"] == 1
    channel.close()
    await cluster.drain()
    await before.drain()


async def test_what_was_on_its_way_when_the_connection_broke_is_sent_again(tmp_path: Path) -> None:
    cluster = OneHost(tmp_path, "elsewhere")
    await cluster.ask([grant("user", "c0", 1)])
    asked = [asyncio.create_task(cluster.ask([grant("user", f"c{n}", 1)])) for n in range(1, 40)]
    await asyncio.sleep(0)
    cluster.channel.broken()
    versions = [body(reply)["version"] for (reply,) in await asyncio.gather(*asked)]
    assert versions == list(range(2, 41))
    assert len(cluster.found) == 2
    await cluster.drain()


async def test_a_frame_that_cannot_be_read_ends_its_connection_behind_those_before_it(
    tmp_path: Path,
) -> None:
    host = packed_host(tmp_path)
    where = await host.where("here")
    assert isinstance(where, LocalAddress)
    reader, writer = await asyncio.open_unix_connection(where.socket_path)
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: raised.append(told))
    writer.write(frame([(1, [look("user")])]) + b"\0\0\0\1\xc1" + frame([(2, [look("user")])]))
    answer = await reader.read()
    assert raised  # and no third frame is taken, nor is anybody left waiting
    assert answer == b"" or len(answer) == 4 + int.from_bytes(answer[:4])
    writer.close()
    await host.drain()


async def test_a_host_that_nobody_asks_for_goes_when_its_last_user_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = asyncio.Event()
    quick = settings(store_url=tmp_path.as_uri(), idle_seconds=1)
    with monkeypatch.context() as patched:
        patched.setattr("actors.cluster.host_actor.ALONE_SECONDS", 1.0)
        host = PackedHost("users:0", quick, lambda: HERE, left.set)
        channel = SocketChannel(lambda: host.where("here"))
        await channel.ask([grant("user", "c", 7)], 30)
        channel.close()
        await left.wait()
    again = OneHost(tmp_path, "here")
    (reply,) = await again.ask([grant("user", "c", 7)])
    assert body(reply)["replayed"]
    await again.drain()
