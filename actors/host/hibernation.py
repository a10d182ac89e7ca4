"""Users asleep: still in memory, but small, because nobody has asked for them for some seconds.

A user awake takes a hundred to two hundred kilobytes, nearly all of it receipts, which are replies
that resemble one another: asleep, rows and receipts are encoded and compressed to a tenth.  The
next message wakes the user without a look at the store.  Nothing else has all of a hibernated user
(the journal has the newest turns, the snapshot may not), so one is given up only once the snapshot
is written, or with everybody else when the journal is lost.

Users resemble one another too, so each is compressed with one of them as a dictionary.

Not for: deciding who may sleep, or letting go of users (`host`).
"""

import asyncio
from collections.abc import Iterable, Iterator

import msgspec
import zstandard
from msgspec import Struct

from actors.host.activation import Activation
from actors.host.rules import RulesInForce
from actors.host.settings import HostSettings
from actors.host.user import UserActor
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import UserState
from persistence.codec.raw_rows import RowsDict
from persistence.codec.snapshots import Rows, Snapshot, encode_snapshot, rows_of, state_of

QUIET_SECONDS = 10.0
"""Without a message for this long a user falls asleep.

Falling asleep takes 0.4 ms of CPU (`benchmarks/user_memory.py`) and waking about as much, so a user
costs at most a ten-thousandth of a core."""

LEVEL = 3
DICTIONARY_BYTES_MAX = 112 * 1024
DICTIONARY_GROWTH = 2
"""A user larger than the dictionary by this factor becomes the next one's."""


class _Contents(Struct, frozen=True, array_like=True):
    """A user for this process's own memory; see `_encode_user`."""

    era: str
    rows: Rows
    receipts: list[tuple[str, int, bytes]]
    unknown: RowsDict | None


_encode = msgspec.msgpack.Encoder().encode
_decode_contents = msgspec.msgpack.Decoder(_Contents).decode
_decode_fingerprints = msgspec.msgpack.Decoder(list[bytes]).decode


class CompressionDictionary:
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


class HibernatedUser(Struct, gc=False):
    """One user asleep.  `snapshot_version` is the version that stands in the store."""

    user_id: str
    version: int
    snapshot_version: int
    last_command: float
    window: int
    body: bytes
    fingerprints: bytes
    like: CompressionDictionary

    def snapshot(self) -> bytes:
        """The state with its receipts, for the store."""
        found = self.unpacked()
        return encode_snapshot(found.state, found.receipts, found.unknown)

    def unpacked(self) -> Snapshot:
        """The state, the receipts and what only a newer version knows, as they fell asleep."""
        body = self.like.decompress(self.body)
        return _decode_user(body, self.fingerprints, self.user_id, self.version, self.window)


class HibernatedUsers:
    """The users asleep in one host, those who fell asleep first in front."""

    def __init__(self, settings: HostSettings, rules: RulesInForce) -> None:
        self._settings = settings
        self._rules = rules
        self._asleep: dict[str, HibernatedUser] = {}
        self._like: CompressionDictionary | None = None

    def __len__(self) -> int:
        return len(self._asleep)

    def __iter__(self) -> Iterator[HibernatedUser]:
        return iter(self._asleep.values())

    def put(self, actor: UserActor, last_command: float) -> None:
        """Let a user sleep.  Every turn of theirs must be durable."""
        body, fingerprints = _encode_user(actor.durable, actor.receipts, actor.unknown)
        like = self._like
        if like is None or len(body) > DICTIONARY_GROWTH * like.length:
            like = self._like = CompressionDictionary(body)
        self._asleep[actor.user_id] = HibernatedUser(
            actor.user_id,
            actor.version,
            actor.snapshot_version,
            last_command,
            self._settings.receipt_window,
            like.compress(body),
            fingerprints,
            like,
        )

    def wake(self, user_id: str, epoch: int) -> Activation | None:
        """The user as they fell asleep, in the host's epoch; None when they do not sleep."""
        hibernated = self._asleep.pop(user_id, None)
        if hibernated is None:
            return None
        found = hibernated.unpacked()
        now = asyncio.get_running_loop().time()
        activation = Activation(user_id, self._settings.mailbox_depth_max, now)
        activation.actor = UserActor(
            found.state, found.receipts, self._rules, found.unknown, hibernated.snapshot_version
        )
        activation.epoch = epoch
        activation.last_command = hibernated.last_command
        return activation

    def forget(self, user: HibernatedUser) -> bool:
        """Let a user go whose snapshot stands; False when it does not, or they woke meanwhile."""
        stands = user.version <= user.snapshot_version
        if not stands or self._asleep.get(user.user_id) is not user:
            return False
        del self._asleep[user.user_id]
        return True

    def clear(self) -> None:
        """Forget everybody: what they hold may never have happened, or stands in the store."""
        self._asleep.clear()


def _encode_user(
    state: UserState, receipts: Iterable[Receipt], unknown: RowsDict | None
) -> tuple[bytes, bytes]:
    """What compresses well of a user, and the receipts' fingerprints, which do not.

    Never stored, so without a format's number; for that it takes a tenth of a snapshot's time.
    """
    kept = list(receipts)
    replies = [(receipt.command_id, receipt.version, receipt.reply) for receipt in kept]
    return (
        _encode(_Contents(state.era, rows_of(state), replies, unknown)),
        _encode([receipt.fingerprint for receipt in kept]),
    )


def _decode_user(
    body: bytes, fingerprints: bytes, user_id: str, version: int, receipt_window: int
) -> Snapshot:
    """The user that `_encode_user` was given."""
    contents = _decode_contents(body)
    receipts = (
        Receipt(command_id, fingerprint, given_at, reply)
        for fingerprint, (command_id, given_at, reply) in zip(
            _decode_fingerprints(fingerprints), contents.receipts, strict=True
        )
    )
    state = state_of(user_id, contents.era, version, contents.rows)
    return Snapshot(state, Receipts(receipt_window, receipts), contents.unknown)
