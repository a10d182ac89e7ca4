"""Frames in bytes: what the server says by itself, replies and problems.

Not for: what stands in them, nor `state`, `changes` and `caught_up` (`gateway.api.changes`).
"""

import time
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from actors.messages import Media, Reply
from gateway.api.media import with_first, write
from gateway.problems import Problem


class ReplyHead(Struct):
    """What has to be known of a reply to put it in its place."""

    version: int
    replayed: bool
    changes: Raw | UnsetType = UNSET

    @property
    def changed(self) -> bool:
        """Whether the command changed anything now."""
        return self.may_have_changed and self.changes is not UNSET

    @property
    def may_have_changed(self) -> bool:
        """The same, also where the reply is brief and does not say."""
        empty = self.changes is not UNSET and bytes(self.changes) in (b"{}", b"\x80")
        return not self.replayed and not empty


_READ_HEAD = {
    Media.JSON: msgspec.json.Decoder(ReplyHead).decode,
    Media.MSGPACK: msgspec.msgpack.Decoder(ReplyHead).decode,
}
_WRITE = {Media.JSON: msgspec.json.encode, Media.MSGPACK: msgspec.msgpack.encode}


def head_of(reply: Reply, media: Media) -> ReplyHead:
    """The head of a reply that is encoded already."""
    return _READ_HEAD[media](reply.body)


def reply_frame(body: bytes, media: Media) -> bytes:
    """A reply as a frame; it is not opened."""
    return with_first(body, {"type": "reply"}, media)


def as_replayed(body: bytes, media: Media) -> bytes:
    """The same reply for whoever is not to apply it: they know its version already."""
    reader = msgspec.json if media is Media.JSON else msgspec.msgpack
    members: dict[str, Any] = reader.decode(body)
    return _WRITE[media](members | {"replayed": True})


def problem_frame(problem: Problem, user_id: str | None, media: Media) -> bytes:
    """A refusal as a frame: `type` says so, in place of the page about its code."""
    document = problem.document() | {"type": "problem"}
    if user_id is not None:
        document["user_id"] = user_id
    return write(document, media)


def written(frame: Struct, media: Media) -> bytes:
    """One of the frames above."""
    return _WRITE[media](frame)


def now_micros() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1_000


def micros(seconds: float) -> int:
    """The same of seconds since the epoch."""
    return int(seconds * 1_000_000)
