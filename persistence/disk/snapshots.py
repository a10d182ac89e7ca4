"""User snapshots on disk: the highest version by name is the snapshot, so none goes backwards.

`snapshots/ab/cd/<user>~<version, 20 digits>.snapshot`, where ab and cd come from a hash of the user
id.  A write adds its version under a name nobody else's can take, and only then removes older
versions.  A stale host that wakes up late therefore adds a lower name, which never wins (P6);
a check of the version followed by a rename would let it win by luck.

Not for: the meaning of a snapshot's bytes (`codec`).
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from persistence.disk import files
from persistence.errors import Corrupt, Unavailable
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.store import Stored

SNAPSHOTS = "snapshots"

_NAME = re.compile(r"(.+)~([0-9]{20})\.snapshot")
_LISTINGS_MAX = 1000


class Snapshots:
    """The snapshots under one root.  Safe for any number of threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Folders known to be durable.  A race on the set costs one more sync, never one too few.
        self._made: set[Path] = set()

    def read(self, user_id: str) -> Stored | None:
        """See `Store.read_snapshot`.  A damaged newest version never gives way to an older."""
        folder = self._folder(user_id)
        for _ in range(_LISTINGS_MAX):
            newest = max(_versions(folder, user_id), default=None)
            if newest is None:
                return None
            path = _path(folder, user_id, newest)
            try:
                with path.open("rb") as file:
                    header, payload = file.read(frame.HEADER_BYTES), file.read()
            except FileNotFoundError:  # replaced by a newer one since it was listed
                continue
            framed = frame.decode_parts(header, payload, str(path), frame.SNAPSHOT)
            if framed.sequence != newest:
                raise Corrupt(str(path), 0, f"version {framed.sequence} under this name")
            return Stored(newest, framed.payload)
        raise Unavailable(f"the snapshot of {user_id} was replaced {_LISTINGS_MAX} times on end")

    def write(self, user_id: str, version: int, payload: bytes) -> None:
        """See `Store.write_snapshot`."""
        folder = self._folder(user_id)
        if max(_versions(folder, user_id), default=-1) < version:
            failpoint("snapshot.before_write")
            self._make(folder)
            framed = frame.encode(version, payload, frame.SNAPSHOT)
            with files.draft(self._root, framed) as draft:
                failpoint("snapshot.before_rename")
                files.link_new(draft, _path(folder, user_id, version))
            failpoint("snapshot.after_rename")
        versions = sorted(_versions(folder, user_id))
        # Before an older version goes, and before the caller is told, the newest name is durable:
        # its writer, if it is not us, may not have come that far.
        files.sync_folder(folder)
        for older in versions[:-1]:
            files.unlink(_path(folder, user_id, older))

    def delete(self, user_id: str) -> None:
        """See `Store.delete_snapshot`.  The oldest goes first: a crash leaves the newest."""
        folder = self._folder(user_id)
        versions = sorted(_versions(folder, user_id))
        for version in versions:
            files.unlink(_path(folder, user_id, version))
            files.sync_folder(folder)

    def users(self) -> Iterator[list[str]]:
        """Yield the ids of the users with a snapshot, a folder's worth at a time."""
        top = self._root / SNAPSHOTS
        for first in _names(top):
            for second in _names(top / first):
                matches = map(_NAME.fullmatch, _names_at_rest(top / first / second))
                yield sorted({files.original_name(match[1]) for match in matches if match})

    def _folder(self, user_id: str) -> Path:
        place = hashlib.blake2b(user_id.encode(), digest_size=2).hexdigest()
        return self._root / SNAPSHOTS / place[:2] / place[2:]

    def _make(self, folder: Path) -> None:
        for step in (folder.parent.parent, folder.parent, folder):
            if step not in self._made:
                files.make_folder(step)
                self._made.add(step)


def _path(folder: Path, user_id: str, version: int) -> Path:
    return folder / f"{files.file_name(user_id)}~{version:020}.snapshot"


def _versions(folder: Path, user_id: str) -> set[int]:
    """The versions that stand.  None at all is believed only of a folder that held still.

    A listing is no picture of one moment: while it runs, a newer version can come behind its back
    and the older one go before its eyes.  An existing user must never be taken for a new one.
    """
    name = files.file_name(user_id)
    while True:
        before = _changed_ns(folder)
        matches = map(_NAME.fullmatch, _names(folder))
        versions = {int(match[2]) for match in matches if match and match[1] == name}
        if versions or before == _changed_ns(folder):
            return versions


def _names_at_rest(folder: Path) -> set[str]:
    """Names that stand, and some that went while this looked: see `_versions`."""
    names = set[str]()
    for _ in range(_LISTINGS_MAX):
        before = _changed_ns(folder)
        names.update(_names(folder))
        if before == _changed_ns(folder):
            return names
    raise Unavailable(f"{folder} changed {_LISTINGS_MAX} times on end")


def _changed_ns(folder: Path) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns
    except FileNotFoundError:
        return None


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
