"""Clients that send `POST /v1/commands`: each has one connection, and one batch on its way.

A batch is made with two joins and its answer is searched, not read, so that the load takes little
of the machine it is on.

Not for: what is measured (`batches`), or clients of single commands (`clients`, `wrk`).
"""

import asyncio
import time
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from benchmarks.users.dataset import CHAPTER_ID, CHAPTER_PLAN, EXPERIENCE, quest_id, user_id

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_ENCODERS = {"json": msgspec.json.encode, "msgpack": msgspec.msgpack.encode}


class Form(Struct, frozen=True):
    """How batches are sent and answered: `json` or `msgpack`, in full or `minimal`."""

    media: str
    minimal: bool = False

    def __str__(self) -> str:
        return f"{self.media}, {'minimal' if self.minimal else 'whole'} replies"


class Answered(Struct):
    """One batch: when its answer came (`time.perf_counter`), and after how many seconds."""

    at: float
    seconds: float


class Refused(Exception):
    """A batch, or a command of one, was refused; the message has some of the answer."""


class Batches:
    """Requests of `size` commands: command n is of user n % `users`."""

    def __init__(self, url: str, token: str, form: Form, users: int, size: int) -> None:
        assert users % size == 0, "a batch has every user at most once"
        place = urlsplit(url)
        media = f"application/{form.media}"
        prefer = "Prefer: return=minimal\r\n" if form.minimal else ""
        self._head = (
            f"POST /v1/commands HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Authorization: Bearer {token}\r\n"
            f"Content-Type: {media}\r\nAccept: {media}\r\n{prefer}Content-Length: "
        )
        self._encode = _ENCODERS[form.media]
        self._json = form.media == "json"
        self._size = size
        addressed = [self._encode({"user_id": user_id(user)}) for user in range(users)]
        # The member alone: without `{` and `}`, or without the map's head.
        members = [each[1:-1] if self._json else each[1:] for each in addressed]
        self._users = [members[start : start + size] for start in range(0, users, size)]

    def of(self, fields: dict[str, object]) -> Iterator[bytes]:
        """One such command for every user, in as many requests as it takes."""
        members = len(fields) + 1
        if self._json:
            before, rest = b"{", b"," + self._encode(fields)[1:]
            begin, between, end = b"[" + before, rest + b"," + before, rest + b"]"
        else:
            assert members < 16, "the head of the map is one byte"
            before, rest = bytes([0x80 | members]), self._encode(fields)[1:]
            head = b"\xdc" + self._size.to_bytes(2, "big")
            begin, between, end = head + before, rest + before, rest
        for users in self._users:
            body = begin + between.join(users) + end
            yield f"{self._head}{len(body)}\r\n\r\n".encode() + body

    def turn_ins(self, first: int) -> Iterator[bytes]:
        """Every user's quests in order, from quest `first` on, without an end."""
        quest = first
        while True:
            yield from self.of(
                {
                    "command_id": f"command-{quest:09d}",
                    "type": "turn_in_quest",
                    "quest_id": quest_id(quest),
                }
            )
            quest += 1

    def preparation(self, quests: int) -> Iterator[bytes]:
        """A plan, and so many quests that are ready."""
        plan = {"command_id": "plan", "type": "upsert_chapter_progression"}
        yield from self.of({**plan, "chapter_id": CHAPTER_ID, **CHAPTER_PLAN})
        for quest in range(quests):
            yield from self.of(
                {
                    "command_id": f"offer-{quest}",
                    "type": "offer_quest",
                    "quest_id": quest_id(quest),
                    "chapter_id": CHAPTER_ID,
                    "reward": {"experience": EXPERIENCE},
                }
            )


class BatchClients:
    """So many connections that share what they send; done when it is all answered, or `stop`ped."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.answered: list[Answered] = []
        self._requests = requests
        self._over = asyncio.get_running_loop().create_future()
        self._running = 0
        self._connections: list[_Connection] = []

    async def connect(self, url: str, count: int) -> None:
        """Connect and begin."""
        place = urlsplit(url)
        assert place.hostname is not None
        assert place.port is not None
        self._running = count
        for _ in range(count):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), place.hostname, place.port
            )
            self._connections.append(connection)

    def stop(self) -> None:
        """Send no more."""
        self._requests = iter(())

    async def wait(self) -> None:
        """Until everything is answered; then, or when it fails, all have hung up.

        Raises:
            Refused: a batch or one of its commands was, or a connection broke.
        """
        try:
            await self._over
        finally:
            for connection in self._connections:
                connection.hang_up()

    def next_request(self) -> bytes | None:
        """What a connection sends next; None where it is to leave."""
        request = next(self._requests, None)
        if request is None:
            self._running -= 1
            if not self._running and not self._over.done():
                self._over.set_result(None)
        return request

    def refused(self, answer: bytes) -> None:
        """Give up: what is measured would not count."""
        if not self._over.done():
            self._over.set_exception(Refused(repr(answer[:1000])))


class _Connection(asyncio.Protocol):
    def __init__(self, clients: BatchClients) -> None:
        self._clients = clients
        self._parts: list[bytes] = []
        self._missing = 0
        self._asked_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked_at:
            self._clients.refused(f"the connection broke: {exc}".encode())

    def data_received(self, data: bytes) -> None:
        if not self._parts:
            end = data.find(_HEAD_END)
            if not data.startswith(b"HTTP/1.1 200") or end < 0:
                self._clients.refused(data)
                return
            head = data[:end].lower() + b"\r"
            start = head.index(_LENGTH) + len(_LENGTH)
            self._missing = int(head[start : head.index(b"\r", start)]) + end + len(_HEAD_END)
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing:
            return
        answer, self._parts = b"".join(self._parts), []
        code = max(answer.find(b'"code":'), answer.find(b"\xa4code"))
        if code >= 0:
            self._clients.refused(answer[max(0, code - 200) :])
            return
        now = time.perf_counter()
        self._clients.answered.append(Answered(now, now - self._asked_at))
        self._ask()

    def hang_up(self) -> None:
        """Leave, whatever is on its way."""
        self._asked_at = 0.0
        if self._transport is not None:
            self._transport.abort()

    def _ask(self) -> None:
        assert self._transport is not None
        request = self._clients.next_request()
        self._asked_at = time.perf_counter() if request is not None else 0.0
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)
