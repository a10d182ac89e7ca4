"""What a host under test is told when it starts, and the frames it speaks in.

A frame is four bytes of length and a msgpack list `[number, word, payload]`; an answer carries the
number of what it answers.  Number 0 is what a host says unasked.

Not for: what the words mean (`host_child`).
"""

import asyncio
import struct
from typing import Any

import msgspec
from msgspec import Struct

from actors.host.settings import HostSettings
from domain.rules.load import preset_text

RULES_TEXT = preset_text()
HOST = "users:0"
WHOLE_WINDOW = 160
"""Receipts of everything anybody asks of one user, for campaigns whose lives may be long: what a
client gave up on is looked up between lives only."""
SEGMENT_BYTES = 40_000
"""Small, so that lives of some hundred turns begin several segments."""

_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Plan(Struct, frozen=True):
    """One life of a host.

    Attributes:
        flaky: the share of a bucket's answers that go wrong.
        environment: variables the host gets besides its own, such as a bucket's credentials.
        mutant: a broken Questkeep to be instead of the real one; see `mutants`.
        log: where the host's log goes.
    """

    settings: HostSettings
    log: str
    host: str = HOST
    flaky: float = 0.0
    seed: int = 0
    mutant: str = ""
    environment: dict[str, str] = {}


def settings(store_url: str, **changes: Any) -> HostSettings:
    """Settings under which some hundred turns meet every kind of snapshot and checkpoint."""
    chosen: dict[str, Any] = {
        "receipt_window": 64,
        "idle_seconds": 0.0,
        "snapshot_every": 9,
        "checkpoint_bytes": 60_000,
        **changes,
    }
    return HostSettings(store_url=store_url, rules_text=RULES_TEXT, **chosen)


def frame(number: int, word: str, payload: Any = None) -> bytes:
    """One frame's bytes."""
    content = _encode([number, word, payload])
    return _LENGTH.pack(len(content)) + content


async def next_frame(reader: asyncio.StreamReader) -> tuple[int, str, Any]:
    """The next frame.  Raises `IncompleteReadError` or `ConnectionError` at the other's end."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    number, word, payload = _decode(await reader.readexactly(length))
    return number, word, payload
