"""The handshake of channels between nodes: who gets in, who is hung up on, and when."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest

from actors.errors import HostGone
from actors.transport import handshake
from actors.transport.addresses import Identity, RemoteAddress
from actors.transport.handshake import ANSWER, HELLO, PROTOCOL, connect, hello, listen, proof

IDENTITY = Identity.fresh("users:0")


class Echo(asyncio.Protocol):
    """Stands for the frames of a channel, on both sides."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers
        self.heard = asyncio.Queue[bytes]()
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    async def hang_up(self) -> None:
        assert self.transport is not None
        self.transport.abort()
        await self.lost.wait()

    def data_received(self, data: bytes) -> None:
        self.heard.put_nowait(data)
        if self.answers and self.transport is not None:
            self.transport.write(data)


class Door:
    """A host's door, and how many got in."""

    def __init__(self) -> None:
        self.admitted: list[Echo] = []
        self.server: asyncio.Server | None = None

    def admit(self) -> Echo:
        self.admitted.append(Echo(answers=True))
        return self.admitted[-1]

    async def open(self, identity: Identity = IDENTITY) -> None:
        self.server = await listen(identity, "127.0.0.1", self.admit)

    @property
    def port(self) -> int:
        assert self.server is not None
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def where(self, identity: Identity = IDENTITY) -> RemoteAddress:
        return RemoteAddress("127.0.0.1", self.port, identity)

    async def knock(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        """A connection that has proved nothing, and the hello it got."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return reader, writer, await reader.readexactly(HELLO.size)

    async def lets_in(self) -> bool:
        """Whether a gateway that knows the secret is served now."""
        channel = Echo(answers=False)
        await connect(self.where(), channel)
        assert channel.transport is not None
        channel.transport.write(b"frame")
        heard = await channel.heard.get()
        await channel.hang_up()
        return heard == b"frame"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    opened = Door()
    await opened.open()
    yield opened
    assert opened.server is not None
    opened.server.close()
    for one in opened.admitted:
        await one.lost.wait()


def answer_to(said: bytes, identity: Identity = IDENTITY) -> bytes:
    """What a gateway answers to a hello."""
    nonce = os.urandom(32)
    return ANSWER.pack(nonce, proof(identity, b"gateway", said, nonce))


async def hung_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the other side ends the connection without another word."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True
    finally:
        await close(writer)


async def close(writer: asyncio.StreamWriter) -> None:
    """Hang up, whoever did so first."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_a_gateway_that_knows_the_secret_gets_in(door: Door) -> None:
    assert await door.lets_in()
    assert len(door.admitted) == 1


async def test_both_ends_notice_a_machine_that_is_gone_and_send_without_delay(door: Door) -> None:
    channel = Echo(answers=False)
    await connect(door.where(), channel)
    for end in (channel, door.admitted[0]):
        assert end.transport is not None
        line = end.transport.get_extra_info("socket")
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for name, value in handshake.OPTIONS.items():
            assert line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value, name
    await channel.hang_up()


async def test_an_answer_that_comes_byte_by_byte_gets_in(door: Door) -> None:
    reader, writer, said = await door.knock()
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in answer_to(said):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert len(await reader.readexactly(32)) == 32
    assert len(door.admitted) == 1
    await close(writer)


async def test_a_gateway_with_another_secret_is_hung_up_on_and_no_secret_is_logged(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Identity(IDENTITY.host, IDENTITY.incarnation, os.urandom(32))
    with pytest.raises(ConnectionResetError):
        await connect(door.where(other), Echo(answers=False))
    assert door.admitted == []
    logged = capsys.readouterr().out
    assert "does not know the secret" in logged
    for secret in (other.secret, IDENTITY.secret):
        assert secret.hex() not in logged
        assert repr(secret) not in logged


def test_an_identity_does_not_show_its_secret() -> None:
    assert repr(IDENTITY.secret) not in repr(RemoteAddress("ip", 1, IDENTITY))


async def test_another_incarnation_or_another_host_is_not_talked_to(door: Door) -> None:
    for meant in (
        Identity(IDENTITY.host, "0" * 16, IDENTITY.secret),
        Identity("users:1", IDENTITY.incarnation, IDENTITY.secret),
    ):
        channel = Echo(answers=False)
        with pytest.raises(HostGone, match=IDENTITY.incarnation):
            await connect(door.where(meant), channel)
        assert channel.transport is None
    assert door.admitted == []


async def test_an_answer_that_was_right_once_opens_no_second_time(door: Door) -> None:
    reader, writer, said = await door.knock()
    once = answer_to(said)
    writer.write(once)
    await reader.readexactly(32)
    await close(writer)
    reader, writer, _ = await door.knock()
    writer.write(once)
    assert await hung_up(reader, writer)
    assert len(door.admitted) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * ANSWER.size, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 9, os.urandom(1_000_000)],
    ids=["zeros", "http", "much"],
)
async def test_garbage_is_hung_up_on(door: Door, garbage: bytes) -> None:
    reader, writer, _ = await door.knock()
    writer.write(garbage)
    assert await hung_up(reader, writer)
    assert door.admitted == []
    assert await door.lets_in()


async def test_frames_before_the_hosts_proof_are_not_taken(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer, said = await door.knock()
    writer.write(answer_to(said) + b"frame")
    assert await hung_up(reader, writer)
    assert door.admitted == []
    assert "it said more than an answer" in capsys.readouterr().out


async def test_who_says_nothing_is_hung_up_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "HANDSHAKE_SECONDS", 0.05)
    reader, writer, said = await door.knock()
    writer.write(answer_to(said)[:-1])
    assert await hung_up(reader, writer)


async def test_an_answer_cut_off_at_any_byte_admits_nobody(door: Door) -> None:
    for length in range(ANSWER.size):
        _, writer, said = await door.knock()
        writer.write(answer_to(said)[:length])
        await close(writer)
    assert await door.lets_in()
    assert len(door.admitted) == 1


async def test_whoever_fills_the_room_makes_room_for_whoever_can_prove_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "UNAUTHENTICATED_MAX", 3)
    silent = [await door.knock() for _ in range(3)]
    for _ in range(5):
        assert await in_again(door)
    for _, connection, _ in silent:
        await close(connection)


async def test_beyond_so_many_unauthenticated_connections_one_of_the_busiest_address_is_dropped(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "UNAUTHENTICATED_MAX", 3)
    few = await asyncio.open_connection("127.0.0.1", door.port, local_addr=("127.0.0.2", 0))
    await few[0].readexactly(HELLO.size)
    many = [await door.knock() for _ in range(20)]
    assert not few[0].at_eof()
    few[1].write(b"x")  # it is still listened to
    await few[1].drain()
    assert not few[0].at_eof()
    for _, connection, _ in many:
        await close(connection)
    await close(few[1])


async def in_again(door: Door) -> bool:
    try:
        return await door.lets_in()
    except OSError:
        return False


# -- the gateway's side: somebody else listens where the host was ---------------------------------


class Impostor:
    """Listens, and says what a test wants."""

    def __init__(self, script: str, cut: int = 10_000) -> None:
        self._script = script
        self._cut = cut
        self._serving: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = hello(IDENTITY)
        if self._script == "another protocol":
            said = b"x" * len(PROTOCOL) + said[len(PROTOCOL) :]
        if self._script == "too much":
            said += b"x"
        self._serving.append(asyncio.current_task())
        writer.write(said[: self._cut])
        if self._cut > HELLO.size and self._script != "silent":
            try:
                answer = await reader.readexactly(ANSWER.size)
            except asyncio.IncompleteReadError:
                answer = b"\0" * ANSWER.size
            nonce, theirs = ANSWER.unpack(answer)
            right = proof(IDENTITY, b"host", said, nonce)
            mine = {"reflects": theirs, "guesses": os.urandom(32)}.get(self._script, right)
            writer.write(mine[: self._cut - HELLO.size])
        if self._script == "silent":
            await reader.read()
        await close(writer)

    async def __aenter__(self) -> RemoteAddress:
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return RemoteAddress("127.0.0.1", self._server.sockets[0].getsockname()[1], IDENTITY)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*filter(None, self._serving))


@pytest.mark.parametrize("script", ["reflects", "guesses", "another protocol", "too much"])
async def test_a_host_that_cannot_prove_itself_is_not_talked_to(script: str) -> None:
    channel = Echo(answers=False)
    async with Impostor(script) as where:
        with pytest.raises(HostGone):
            await connect(where, channel)
    assert channel.transport is None


async def test_the_impostor_of_these_tests_would_get_through_if_it_knew_the_secret() -> None:
    channel = Echo(answers=False)
    async with Impostor("right") as where:
        await connect(where, channel)
    await channel.hang_up()


async def test_a_host_that_hangs_up_at_any_byte_is_asked_for_again() -> None:
    for cut in range(HELLO.size + 32):
        channel = Echo(answers=False)
        async with Impostor("right", cut) as where:
            with pytest.raises(OSError, match="hung up"):
                await connect(where, channel)
        assert channel.transport is None


async def test_a_host_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "HANDSHAKE_SECONDS", 0.05)
    async with Impostor("silent") as where:
        with pytest.raises(TimeoutError):
            await connect(where, Echo(answers=False))
