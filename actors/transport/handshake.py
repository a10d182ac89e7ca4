"""Channels between nodes: TCP, and a proof on both sides before any frame.

    host      a nonce, its name, its incarnation
    gateway   a nonce, and proof that it knows this incarnation's secret
    host      proof that it knows it too

Then the connection is handed to the protocol of the channel.  A proof is an HMAC-SHA256 over
all that went before and whose proof it is, so that none can be replayed, turned round or used
elsewhere.
Messages have fixed lengths, and whoever is slow, wrong or longer is hung up on.  What follows is
authenticated by that alone: it is not encrypted, and neither is what Ray itself sends.

Not for: channels within a machine, where the socket's folder says who may connect.
"""

import asyncio
import hmac
import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from struct import Struct as Layout
from typing import cast

import structlog

from actors.errors import HostGone
from actors.transport.addresses import HostAddress, Identity, LocalAddress

log = structlog.get_logger(__name__)

HANDSHAKE_SECONDS = 5.0
UNAUTHENTICATED_MAX = 64
"""Connections without proof at a time, so that the host keeps its descriptors.  For one more, one
of the address with most of them is hung up on, at random: whoever fills the room only makes room
for others."""

_dice = random.SystemRandom()  # nobody outside can reckon who is next

PROTOCOL = b"qk-sock2"
NONCE_BYTES = 32
PROOF_BYTES = 32
HELLO = Layout(f"{len(PROTOCOL)}s{NONCE_BYTES}s32s32s")
"""Protocol, nonce, host and incarnation, padded with zero bytes."""
ANSWER = Layout(f"{NONCE_BYTES}s{PROOF_BYTES}s")

# A node that loses its power hangs up on nobody: these find it out within about ten seconds.
OPTIONS = {
    "TCP_NODELAY": 1,  # frames are gathered already
    "TCP_KEEPIDLE": 4,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 10_000,  # milliseconds
}

_OF_GATEWAY = b"gateway"
_OF_HOST = b"host"


def hello(identity: Identity) -> bytes:
    """What a host says first; another one each time."""
    return HELLO.pack(
        PROTOCOL,
        os.urandom(NONCE_BYTES),
        identity.host.encode(),
        identity.incarnation.encode(),
    )


def proof(identity: Identity, whose: bytes, said: bytes, nonce: bytes) -> bytes:
    """That `whose` knows the secret, within this handshake and no other."""
    return hmac.digest(identity.secret, whose + said + nonce, "sha256")


async def connect(where: HostAddress, channel: asyncio.Protocol) -> None:
    """Connect `channel` to the host that is meant, and to no other.

    Raises:
        HostGone: somebody else is there; ask Ray again.
        OSError: nobody is, or nobody who answers in time.
    """
    loop = asyncio.get_running_loop()
    transport: asyncio.BaseTransport
    if isinstance(where, LocalAddress):
        transport, _ = await loop.create_unix_connection(lambda: channel, where.socket_path)
    else:
        with _line(where.ip) as line:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await loop.sock_connect(line, (where.ip, where.port))
                transport, visitor = await loop.create_connection(
                    lambda: ClientHandshake(where.identity, channel), sock=line.dup()
                )
                try:
                    await visitor.admitted
                except BaseException:
                    transport.abort()
                    raise
    if transport.is_closing():  # it was lost before the channel could know that it had it
        raise ConnectionResetError("the host hung up")


async def listen(
    identity: Identity, ip: str, make_protocol: Callable[[], asyncio.Protocol]
) -> asyncio.Server:
    """Listen on a free port of `ip`, and let in who proves to come from the cluster."""
    unauthenticated: set[ServerHandshake] = set()
    with _line(ip) as line:
        line.bind((ip, 0))
        return await asyncio.get_running_loop().create_server(
            lambda: ServerHandshake(identity, unauthenticated, make_protocol), sock=line.dup()
        )


def _line(ip: str) -> socket.socket:
    """A socket that notices when the other machine is gone; accepted ones inherit it."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    line = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    line.setblocking(False)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:  # some are Linux's own
            line.setsockopt(socket.IPPROTO_TCP, option, value)
    return line


class ServerHandshake(asyncio.Protocol):
    """The host's end, until the other one has proved itself."""

    def __init__(
        self,
        identity: Identity,
        unauthenticated: set["ServerHandshake"],
        make_protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        self._identity = identity
        self._unauthenticated = unauthenticated
        self._make_protocol = make_protocol
        self._hello = hello(identity)
        self._heard = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._late = asyncio.get_running_loop().call_later(
            HANDSHAKE_SECONDS, self._refuse, "it was too slow"
        )
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        if len(self._unauthenticated) >= UNAUTHENTICATED_MAX:
            self._make_room()
        self._unauthenticated.add(self)
        self._transport.write(self._hello)

    def _make_room(self) -> None:
        counts = Counter(each.address for each in self._unauthenticated)
        [(address, _)] = counts.most_common(1)
        candidates = [each for each in self._unauthenticated if each.address == address]
        _dice.choice(candidates)._refuse("too many came at once")

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if len(self._heard) < ANSWER.size or self._transport.is_closing():
            return
        if len(self._heard) > ANSWER.size:
            self._refuse("it said more than an answer")
            return
        nonce, theirs = ANSWER.unpack(self._heard)
        if not hmac.compare_digest(theirs, proof(self._identity, _OF_GATEWAY, self._hello, nonce)):
            self._refuse("it does not know the secret")
            return
        self._done()
        self._transport.write(proof(self._identity, _OF_HOST, self._hello, nonce))
        channel = self._make_protocol()
        self._transport.set_protocol(channel)
        channel.connection_made(self._transport)

    def _refuse(self, reason: str) -> None:
        peer = self._transport.get_extra_info("peername")
        log.warning(
            "an unauthenticated connection was refused",
            host=self._identity.host,
            peer=peer,
            why=reason,
        )
        self._done()
        self._transport.abort()

    def _done(self) -> None:
        self._late.cancel()
        self._unauthenticated.discard(self)


class ClientHandshake(asyncio.Protocol):
    """The gateway's end, until the host has proved itself."""

    def __init__(self, identity: Identity, channel: asyncio.Protocol) -> None:
        self._identity = identity
        self._channel = channel
        self._heard = bytearray()
        self._hello = self._nonce = b""
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.admitted.done():
            self.admitted.set_exception(ConnectionResetError("the host hung up"))

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if self.admitted.done():
            return
        if not self._hello:
            self._answer()
        else:
            self._enter()

    def _answer(self) -> None:
        """Prove who this is, once the hello is complete and the host is the one that is meant."""
        if len(self._heard) < HELLO.size:
            return
        said = bytes(self._heard)
        if len(said) > HELLO.size:
            self._refuse("it said more than a hello")
            return
        protocol, _, host, incarnation = HELLO.unpack(said)
        if protocol != PROTOCOL:
            self._refuse(f"it speaks {protocol!r}, expected {PROTOCOL!r}")
            return
        theirs = (host.rstrip(b"\0"), incarnation.rstrip(b"\0"))
        if theirs != (self._identity.host.encode(), self._identity.incarnation.encode()):
            self._refuse(f"{theirs!r} is there")
            return
        self._hello, self._nonce = said, os.urandom(NONCE_BYTES)
        self._heard.clear()
        mine = proof(self._identity, _OF_GATEWAY, self._hello, self._nonce)
        self._transport.write(ANSWER.pack(self._nonce, mine))

    def _enter(self) -> None:
        """Hand the connection over, once the host has proved itself."""
        if len(self._heard) < PROOF_BYTES:
            return
        expected = proof(self._identity, _OF_HOST, self._hello, self._nonce)
        if not hmac.compare_digest(bytes(self._heard), expected):
            self._refuse("it does not know the secret")
            return
        self._transport.set_protocol(self._channel)
        self._channel.connection_made(self._transport)
        self.admitted.set_result(None)

    def _refuse(self, reason: str) -> None:
        log.warning("a host is not the one that was meant", host=self._identity, why=reason)
        self.admitted.set_exception(HostGone(reason))
        self._transport.abort()
