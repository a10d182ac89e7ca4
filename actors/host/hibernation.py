"""Hibernation: users without a request for some seconds stay in memory, compressed.

A user awake takes most memory for receipts, which are decisions that resemble one another:
hibernated, rows and receipts are encoded and compressed.  The next request wakes the user without a
look at the store.  What is kept here is the newest durable state there is (the journal has the
newest turns, the snapshot may not), so it is given up only once its snapshot is stored, or with
everything else when the journal is lost.

Users resemble one another too, so each is compressed with one of them as a dictionary.

Not for: deciding who hibernates (`eviction`), or who may (`activations`).
"""

import time
from collections.abc import Iterable, Iterator

import msgspec
import zstandard
from msgspec import Struct

from actors.host.activation import Activation
from actors.host.settings import HostSettings
from actors.user.actor import UserActor
from actors.user.rules import RulesInForce
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import UserState
from persistence.codec.snapshots import Rows, Snapshot, encode_snapshot, rows_of, state_of

QUIET_SECONDS = 10.0
"""Without a request for this long a user hibernates.

That takes 0.4 ms of CPU (`benchmarks/user_memory.py`) and waking about as much, so a user costs at
most a ten-thousandth of a core."""

LEVEL = 3
DICTIONARY_BYTES_MAX = 112 * 1024
DICTIONARY_GROWTH = 2
"""A user larger than the dictionary by this factor becomes the next one's."""


class _Contents(Struct, frozen=True, array_like=True):
    """A user for this process's own memory; see `_encode_user`."""

    era: str
    rows: Rows
    receipts: list[tuple[str, int, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_decode_contents = msgspec.msgpack.Decoder(_Contents).decode
_decode_fingerprints = msgspec.msgpack.Decoder(list[bytes]).decode


class CompressionDictionary:
    """One user's bytes, with which others are compressed."""

    def __init__(self, body: bytes) -> None:
        dictionary = zstandard.ZstdCompressionDict(
            body[:DICTIONARY_BYTES_MAX], dict_type=zstandard.DICT_TYPE_RAWCONTENT
        )
        dictionary.precompute_compress(level=LEVEL)
        self.length = len(body)
        self._compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=dictionary).decompress

    def compress(self, body: bytes) -> bytes:
        # What comes back stands at the begin of a block made for the worst case and cut short.
        # Copied, that block is whole again and serves the next user; else the heap is in shreds.
        return bytes(memoryview(self._compress(body)))


class HibernatedUser(Struct, gc=False):
    """A user kept small.  `snapshot_version` is the version of the stored snapshot.

    `last_command` is in monotonic seconds, `window` in receipts.
    """

    user_id: str
    version: int
    snapshot_version: int
    last_command: float
    window: int
    body: bytes
    fingerprints: bytes
    dictionary: CompressionDictionary

    def snapshot(self) -> Iterable[bytes]:
        """The state with its receipts, for the store."""
        user = self.unpacked()
        return [encode_snapshot(user.state, user.receipts)]

    def unpacked(self) -> Snapshot:
        """The state and the receipts, as they were put here."""
        body = self.dictionary.decompress(self.body)
        return _decode_user(body, self.fingerprints, self.user_id, self.version)


class HibernatedUsers:
    """The hibernated users of one host, the longest hibernated in front."""

    def __init__(self, settings: HostSettings, rules: RulesInForce) -> None:
        self._settings = settings
        self._rules = rules
        self._users: dict[str, HibernatedUser] = {}
        self._dictionary: CompressionDictionary | None = None

    def __len__(self) -> int:
        return len(self._users)

    def __iter__(self) -> Iterator[HibernatedUser]:
        return iter(self._users.values())

    def find(self, user_id: str) -> HibernatedUser | None:
        """The user, who stays as they are; None when they are not here."""
        return self._users.get(user_id)

    def put(self, actor: UserActor, last_command: float) -> None:
        """Keep a user small.  Every turn of theirs must be durable."""
        body, fingerprints = _encode_user(actor.durable, actor.receipts)
        dictionary = self._dictionary
        if dictionary is None or len(body) > DICTIONARY_GROWTH * dictionary.length:
            dictionary = self._dictionary = CompressionDictionary(body)
        self._users[actor.user_id] = HibernatedUser(
            actor.user_id,
            actor.version,
            actor.snapshot_version,
            last_command,
            self._settings.receipt_window,
            dictionary.compress(body),
            fingerprints,
            dictionary,
        )

    def wake(self, user_id: str, epoch: int) -> Activation | None:
        """The user as they were put here, loaded in `epoch`; None when they are not here."""
        hibernated = self._users.pop(user_id, None)
        if hibernated is None:
            return None
        user = hibernated.unpacked()
        now = time.monotonic()
        activation = Activation(user_id, self._settings.mailbox_depth_max, now)
        receipts = Receipts(hibernated.window, user.receipts)
        activation.actor = UserActor(user.state, receipts, self._rules, hibernated.snapshot_version)
        activation.epoch = epoch
        activation.last_command = hibernated.last_command
        return activation

    def forget(self, user: HibernatedUser) -> bool:
        """Drop a user whose newest state is stored; False when it is not, or who woke meanwhile."""
        stored = user.version <= user.snapshot_version
        if not stored or self._users.get(user.user_id) is not user:
            return False
        del self._users[user.user_id]
        return True

    def clear(self) -> None:
        """Drop everybody: their state may never have happened, or is stored."""
        self._users.clear()


def _encode_user(state: UserState, receipts: Iterable[Receipt]) -> tuple[bytes, bytes]:
    """What compresses well of a user, and the receipts' fingerprints, which do not.

    Never stored, so without a format's number; for that it takes a tenth of a snapshot's time.
    """
    kept = list(receipts)
    decisions = [(receipt.command_id, receipt.version, receipt.decision) for receipt in kept]
    return (
        _encode(_Contents(state.era, rows_of(state), decisions)),
        _encode([receipt.fingerprint for receipt in kept]),
    )


def _decode_user(body: bytes, fingerprints: bytes, user_id: str, version: int) -> Snapshot:
    """The user that `_encode_user` was given."""
    contents = _decode_contents(body)
    receipts = [
        Receipt(command_id, fingerprint, receipt_version, decision)
        for fingerprint, (command_id, receipt_version, decision) in zip(
            _decode_fingerprints(fingerprints), contents.receipts, strict=True
        )
    ]
    return Snapshot(state_of(user_id, contents.era, version, contents.rows), receipts)
