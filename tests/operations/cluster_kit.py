"""What goes wrong on Ray and between hosts and gateways, brought about for the 3 a.m. table.

No Ray runs: its errors are raised by actors and nodes that stand for its own.
"""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
import ray.exceptions

from actors.cluster import host_actor, ray_nodes, ray_session
from actors.cluster.host_actor import PackedHost
from actors.cluster.ray_actor import RayActor
from actors.cluster.ray_nodes import check_nodes
from actors.cluster.ray_session import LOCAL, RaySession
from actors.errors import HostGone, UserUnavailable
from actors.monitoring.cluster_status import NodeState, NodeStatus
from actors.monitoring.head_watch import HeadWatch
from actors.monitoring.host_presence import HostPresence
from actors.monitoring.node_watch import NodeWatch
from actors.transport.addresses import (
    HostAddress,
    Identity,
    LocalAddress,
    Node,
    RemoteAddress,
    RunningHost,
)
from actors.transport.handshake import connect, listen
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from tests.actors.host_kit import Rig, look, settings
from tests.operations.page_kit import Patch

NO_FRAME = b"\xff" * 64
HERE = RunningHost(Node("here", "127.0.0.1"), 1, "")


async def nonsense_is_sent_to_a_host(folder: Path, _: Patch) -> None:
    rig = Rig()
    await rig.host.open()
    server = await SocketServer.listen(rig.host, str(folder / "host"))
    reader, writer = await asyncio.open_unix_connection(str(folder / "host"))
    writer.write(NO_FRAME)
    assert await reader.read() == b""
    writer.close()
    server.close()
    await rig.host.drain()


async def nonsense_is_answered_for_a_host(folder: Path, _: Patch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(NO_FRAME)
        await reader.read()
        writer.close()

    path = str(folder / "other")
    server = await asyncio.start_unix_server(answer, path)
    addresses = iter([LocalAddress(path)])

    async def find() -> HostAddress:
        try:
            return next(addresses)
        except StopIteration:
            raise UserUnavailable("nobody else is there") from None

    channel = SocketChannel(find)
    with pytest.raises(UserUnavailable):
        await channel.ask([look("alice")], 30)
    channel.close()
    server.close()


async def two_hosts_are_mixed_up(_: Path, __: Patch) -> None:
    meant, other = Identity.fresh("users:0"), Identity.fresh("users:1")
    server = await listen(other, "127.0.0.1", asyncio.Protocol)
    where = RemoteAddress("127.0.0.1", server.sockets[0].getsockname()[1], meant)
    with pytest.raises(HostGone):
        await connect(where, asyncio.Protocol())
    server.close()


async def somebody_without_the_secret_knocks(_: Path, __: Patch) -> None:
    server = await listen(Identity.fresh("users:0"), "127.0.0.1", asyncio.Protocol)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"let me in" * 100)
    try:
        while await reader.read(1_000):
            pass
    except ConnectionResetError:
        pass
    writer.close()
    server.close()


async def nobody_asks_for_a_host(folder: Path, patch: Patch) -> None:
    patch.setattr(host_actor, "ALONE_SECONDS", 0.0)
    left = asyncio.Event()
    alone = settings(store_url=folder.as_uri(), idle_seconds=1)
    host = PackedHost("users:0", alone, lambda: HERE, left.set)
    await host.where("here")
    await left.wait()


async def a_host_does_not_answer_for_a_while(_: Path, __: Patch) -> None:
    now = 0.0
    presence = HostPresence(lambda: now)
    presence.answered("users:1", 0, 0.0)
    for _ in range(2):  # said once
        presence.silent("users:1", "it does not answer")
    assert presence.away == ("users:1",)
    now = 30.0
    presence.answered("users:1", 40, 0.5)
    assert presence.away == ()


async def the_head_falls_silent_for_a_while(_: Path, __: Patch) -> None:
    answers = iter([OSError("refused"), "a cluster"])

    async def ask() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    head = HeadWatch("10.0.0.1:6379", ask, 60.0)
    assert not await head.look()
    assert await head.look()


async def nodes_drain_and_are_lost(_: Path, __: Patch) -> None:
    nodes = NodeWatch()
    for state in (NodeState.ALIVE, NodeState.DRAINING, NodeState.LOST):
        nodes.seen([NodeStatus("a", "10.0.0.2", state, 4)])


class Handle:
    """An actor of Ray's whose every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _: str) -> Any:
        async def fail() -> None:
            raise self._error

        return SimpleNamespace(remote=fail)


class DiedAtItsStart(ray.exceptions.ActorDiedError):
    """As Ray raises it where an actor's constructor failed."""

    actor_init_failed = True


async def an_actor_dies_of_its_start(_: Path, __: Patch) -> None:
    with pytest.raises(UserUnavailable):
        await RayActor(Handle(DiedAtItsStart())).call("where")


async def an_actor_is_gone_when_it_is_to_be_drained(_: Path, patch: Patch) -> None:
    patch.setattr(ray, "kill", lambda *_, **__: None)
    await RayActor(Handle(ray.exceptions.ActorUnavailableError("gone", None))).drain()


async def a_cluster_lets_everybody_in(_: Path, patch: Patch) -> None:
    patch.setattr(ray_nodes, "_living_nodes", lambda: [])
    session: Any = SimpleNamespace(asks_for_token=False, address="10.0.0.1:6379")
    check_nodes(session, "s3://bucket", one_machine=False)


async def ray_gives_up_its_first_start(folder: Path, patch: Patch) -> None:
    starts = iter([Exception("The current node timed out during startup"), None])

    def start(_: Path) -> None:
        if (error := next(starts)) is not None:
            raise error

    patch.setenv("RAY_TMPDIR", "/tmp")
    patch.delenv("RAY_AUTH_MODE", raising=False)
    patch.setattr(ray_session, "_start_in", start)
    patch.setattr(ray, "shutdown", lambda: None)
    session = RaySession(LOCAL)
    session.begin()
    session.end()
