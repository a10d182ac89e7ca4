"""The manifest of a backup: a note that says when, from where, who, and at which versions.

It is written last, so a backup that was not finished has none.  The manifest is the note `backup`;
its entries are in notes `backup-00000001`, …, a line of JSON for each user, whose checksums the
manifest has.

Not for: the users themselves, who are ordinary snapshots (`backup`).
"""

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from persistence.errors import Corrupt, NewerFormat, StorageError
from persistence.store import Store

MANIFEST_FORMAT = 1
NOTE = "backup"
_USERS_IN_A_PART = 20_000


class NotABackup(StorageError):
    """The store has no manifest: it is none, or was not finished.  Name another."""


class ManifestEntry(Struct, frozen=True):
    """A user of a backup and the version that was copied."""

    user_id: str
    version: int


class _Part(Struct, frozen=True):
    note: str
    users: int
    blake2b: str


class Manifest(Struct, frozen=True):
    """What a backup says of itself; its users are in `parts`.

    Every user is as at some moment from `begun` to `ended`, never older than at `begun`.
    `damaged` are the users who could not be copied.
    """

    questkeep_backup: int
    begun: str
    ended: str
    source: str
    users: int
    damaged: list[str]
    parts: list[_Part]


_to_json = msgspec.json.Encoder().encode


async def write_manifest(
    store: Store,
    users: Sequence[ManifestEntry],
    *,
    begun: str,
    ended: str,
    source: str,
    damaged: Sequence[str],
) -> Manifest:
    """Make `store` a finished backup of `users`."""
    parts: list[_Part] = []
    for first in range(0, len(users), _USERS_IN_A_PART):
        portion = users[first : first + _USERS_IN_A_PART]
        content = b"".join(_to_json(entry) + b"\n" for entry in portion)
        note = f"{NOTE}-{len(parts) + 1:08}"
        await store.write_note(note, content)
        parts.append(_Part(note, len(portion), _digest(content)))
    manifest = Manifest(MANIFEST_FORMAT, begun, ended, source, len(users), list(damaged), parts)
    await store.write_note(NOTE, msgspec.json.format(_to_json(manifest), indent=2) + b"\n")
    return manifest


async def read_manifest(store: Store) -> Manifest:
    """The manifest of the backup in `store`.

    Raises:
        NotABackup, NewerFormat, Corrupt, Unavailable.
    """
    place = f"{store.url} note {NOTE}"
    content = await store.read_note(NOTE)
    if content is None:
        raise NotABackup(
            f"{store.url} is no finished backup: nothing is noted there by `questkeep store "
            "backup`. A store in use moves with `questkeep store export` and `import`."
        )
    try:
        number = msgspec.json.decode(content, type=dict)["questkeep_backup"]
        if isinstance(number, int) and number > MANIFEST_FORMAT:
            raise NewerFormat(place, number, MANIFEST_FORMAT)
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, KeyError) as error:
        raise Corrupt(place, 0, f"no manifest of a backup: {error}") from None


async def read_entries(store: Store, manifest: Manifest) -> list[ManifestEntry]:
    """Every user of the backup, as `write_manifest` was given them.

    Raises:
        Corrupt, Unavailable.
    """
    entries: list[ManifestEntry] = []
    for part in manifest.parts:
        place = f"{store.url} note {part.note}"
        content = await store.read_note(part.note)
        if content is None or _digest(content) != part.blake2b:
            raise Corrupt(place, 0, "nothing" if content is None else "a list that was changed")
        entries += [msgspec.json.decode(line, type=ManifestEntry) for line in content.splitlines()]
    return entries


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
