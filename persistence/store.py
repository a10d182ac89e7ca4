"""The storage contract: journals that only their newest owner can append to, and user snapshots.

Everything here carries opaque bytes; `codec` alone knows what they mean.  Implementations: `disk`,
`objects`, `memory`.  One conformance kit (`tests/conformance/`) holds for all of them.

Not for: deciding when to snapshot (`actors.host`) or merging journals into snapshots (`recovery`).

Two kinds of object stand under a store's root, and a few notes beside them:

- **journals**: one *stream* per incarnation of a host, an append-only sequence of batches
  numbered 1, 2, 3, … .  A stream has exactly one writer, the incarnation that claimed it.  Whoever
  takes over *fences* the stream first and reads it second; from then on the writer's appends raise
  `Fenced`.
- **snapshots**: the newest known state of one user, with its version.  A snapshot never goes
  backwards (P6): writing version 7 after version 9 leaves version 9 in place.
- **notes**: small named files of the operator's tools, such as what makes a store a backup.
"""

import secrets
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol


class StreamId(NamedTuple):
    """Names one incarnation's journal: the host as placement calls it, and a name used once."""

    host: str
    incarnation: str


def new_incarnation(order: int) -> str:
    """A name that no other incarnation has; of one host's, `order` sorts them, oldest first."""
    return f"{order:020}-{secrets.token_hex(8)}"


class Batch(NamedTuple):
    """One durable append: `sequence` counts from 1 within the stream without gaps."""

    sequence: int
    payload: bytes


class Stored(NamedTuple):
    """A user's snapshot as found: the user version it holds and its bytes."""

    version: int
    payload: bytes


class Stream(Protocol):
    """A journal open for its one writer.  Appends are called one at a time."""

    id: StreamId

    async def append(self, payload: bytes) -> int:
        """Return the batch's sequence once `payload` would survive power loss (P1).

        Raises:
            Fenced: a newer incarnation owns the stream; nothing more may be answered from here.
            Unavailable: the batch may or may not be durable.  The stream is then broken for good
                and every later append raises `Unavailable` at once (P8: never retried here).
        """
        ...

    async def drop_through(self, sequence: int) -> None:
        """Forget batches up to and including `sequence`: snapshots cover them now.

        May keep more than it must (whole segments go, not single batches).
        """
        ...

    async def close(self) -> None:
        """End the stream.  One whose batches were all dropped leaves nothing behind."""
        ...


class Store(Protocol):
    """Where journals and snapshots live.

    Every method raises `Unavailable` when the store does not answer, and `Corrupt` or
    `NewerFormat` when what it holds must not be served.
    """

    url: str
    batches_max: int | None
    users_max: int | None
    """So many batches of a journal, with records of so many users, are folded within two seconds: a
    host's journal is kept below both.  None where its bytes alone count."""

    async def format(self) -> int | None:
        """The format of what stands there; None where nothing was ever written."""
        ...

    async def claim(self, host: str) -> Stream:
        """Start a new incarnation's stream for `host`.  Others of the same host still stand."""
        ...

    async def streams(self, host: str | None = None) -> list[StreamId]:
        """The streams that may hold batches, of one host or of all; never lists users."""
        ...

    async def fence(self, stream: StreamId) -> None:
        """Close `stream` to its writer.

        Every append that was or will be acknowledged is among the batches that `read` gives from
        now on; no other ever will be.
        """
        ...

    async def fenced(self, stream: StreamId) -> bool:
        """Whether `stream` was closed to its writer by `fence`.  For operator's tools only."""
        ...

    def read(self, stream: StreamId) -> AsyncIterator[Batch]:
        """The stream's batches in order; a torn last one is left out, other damage raises (P5).

        Of a fenced stream it is the same batches for ever; of any other, nothing that whoever
        fences it later will not read as well.
        """
        ...

    async def drop(self, stream: StreamId) -> None:
        """Remove a fenced stream whose batches are all in snapshots.  Its writer stays fenced."""
        ...

    async def forget_host(self, host: str) -> None:
        """Remove what dropped streams of `host` leave behind, their names above all.

        Its old writers are fenced no more: for privacy requests, on the host of that user alone.
        """
        ...

    async def read_snapshot(self, user_id: str) -> Stored | None:
        """The user's newest snapshot, or None for one never written."""
        ...

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        """Make `payload` the user's snapshot unless a newer or equal version stands already (P6).

        Durable when it returns.
        """
        ...

    async def delete_snapshot(self, user_id: str) -> None:
        """Remove every version of the user's snapshot (privacy requests)."""
        ...

    def users(self) -> AsyncIterator[str]:
        """Ids of every user with a snapshot, in no particular order.  For operator's tools only.

        A user who has one all the while is listed, however often it is replaced.
        """
        ...

    async def read_note(self, name: str) -> bytes | None:
        """What was noted under `name`, or None."""
        ...

    async def write_note(self, name: str, content: bytes) -> None:
        """Note `content` under `name`, where nothing else may stand.  Durable when it returns.

        Raises:
            Unavailable: also when something else was noted there.
        """
        ...

    async def close(self) -> None:
        """Let go of files, connections and the store's lock."""
        ...
