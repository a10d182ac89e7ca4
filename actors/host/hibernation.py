"""Users asleep: still in memory, but small, because nobody has asked for them for some seconds.

A user awake takes a hundred to two hundred kilobytes, nearly all of it receipts, which are replies
that resemble one another: asleep, rows and receipts are encoded and compressed to a tenth.  The
next message wakes the user without a look at the store.  A sleeper is the whole truth about a user
(the journal has the newest turns, the snapshot may not), so it is given up only once its snapshot
stands, or with everything else when the journal is lost.

Users resemble one another too, so each is compressed with one of them as a dictionary.

Not for: deciding who may sleep, or letting go of users (`host`).
"""

import asyncio
from collections.abc import Iterator

import zstandard
from msgspec import Struct

from actors.cluster.contract import HostSettings
from actors.host.activation import Resident
from actors.host.rules import RulesInForce
from actors.host.user import UserActor
from persistence.codec.snapshots import Snapshot, decode_asleep, encode_asleep, encode_snapshot

QUIET_SECONDS = 10.0
"""Without a message for this long a user falls asleep.

Falling asleep takes 0.4 ms of CPU (`benchmarks/residents.py`) and waking about as much, so a user
costs at most a ten-thousandth of a core."""

LEVEL = 3
DICTIONARY_BYTES_MAX = 112 * 1024
DICTIONARY_GROWTH = 2
"""A user larger than the dictionary by this factor becomes the next one's."""


class _Likeness:
    """One user's bytes as what others are compared with."""

    def __init__(self, body: bytes) -> None:
        like = zstandard.ZstdCompressionDict(
            body[:DICTIONARY_BYTES_MAX], dict_type=zstandard.DICT_TYPE_RAWCONTENT
        )
        like.precompute_compress(level=LEVEL)
        self.length = len(body)
        self._compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=like).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=like).decompress

    def compress(self, body: bytes) -> bytes:
        # What comes back stands at the begin of a block made for the worst case and cut short.
        # Copied, that block is whole again and serves the next user; else the heap is in shreds.
        return bytes(memoryview(self._compress(body)))


class Sleeper(Struct, gc=False):
    """One user asleep.  `snapshot_version` is the version that stands in the store."""

    user_id: str
    version: int
    snapshot_version: int
    last_command: float
    window: int
    body: bytes
    fingerprints: bytes
    like: _Likeness

    def snapshot(self) -> bytes:
        """The state with its receipts, for the store."""
        found = self.unpacked()
        return encode_snapshot(found.state, found.receipts, found.unknown)

    def unpacked(self) -> Snapshot:
        """The state, the receipts and what only a newer version knows, as they fell asleep."""
        body = self.like.decompress(self.body)
        return decode_asleep(body, self.fingerprints, self.user_id, self.version, self.window)


class Sleepers:
    """The users asleep in one host, those who fell asleep first in front."""

    def __init__(self, settings: HostSettings, rules: RulesInForce) -> None:
        self._settings = settings
        self._rules = rules
        self._asleep: dict[str, Sleeper] = {}
        self._like: _Likeness | None = None

    def __len__(self) -> int:
        return len(self._asleep)

    def __iter__(self) -> Iterator[Sleeper]:
        return iter(self._asleep.values())

    def put(self, actor: UserActor, last_command: float) -> None:
        """Let a user sleep.  Every turn of theirs must be durable."""
        body, fingerprints = encode_asleep(actor.durable, actor.receipts, actor.unknown)
        like = self._like
        if like is None or len(body) > DICTIONARY_GROWTH * like.length:
            like = self._like = _Likeness(body)
        self._asleep[actor.user_id] = Sleeper(
            actor.user_id,
            actor.version,
            actor.snapshot_version,
            last_command,
            self._settings.receipt_window,
            like.compress(body),
            fingerprints,
            like,
        )

    def wake(self, user_id: str, era: int) -> Resident | None:
        """The user as they fell asleep, in the host's era; None when they do not sleep."""
        sleeper = self._asleep.pop(user_id, None)
        if sleeper is None:
            return None
        found = sleeper.unpacked()
        now = asyncio.get_running_loop().time()
        resident = Resident(user_id, self._settings.mailbox_depth_max, now)
        resident.actor = UserActor(
            found.state, found.receipts, self._rules, found.unknown, sleeper.snapshot_version
        )
        resident.era = era
        resident.last_command = sleeper.last_command
        return resident

    def forget(self, sleeper: Sleeper) -> bool:
        """Let a user go whose snapshot stands; False when it does not, or they woke meanwhile."""
        stands = sleeper.version <= sleeper.snapshot_version
        if not stands or self._asleep.get(sleeper.user_id) is not sleeper:
            return False
        del self._asleep[sleeper.user_id]
        return True

    def clear(self) -> None:
        """Forget everybody: what they hold may never have happened, or stands in the store."""
        self._asleep.clear()
