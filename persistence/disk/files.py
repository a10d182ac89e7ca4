"""The few file system calls that durability rests on, each with what it promises.

Everything the `file://` store changes on disk goes through here, so that a test can put a failing
or a recording `os` in their place.

Not for: what the files mean (`disk.stream`, `disk.journals`, `disk.snapshots`, `disk.lock`).
"""

import contextlib
import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from persistence import failpoints
from persistence.errors import Spoiled, Unavailable
from persistence.failpoints import failpoint

TRASH = "trash"
TMP = "tmp"

_NAME_BYTES_MAX = 200

# Folders of which this process knows that a sync once failed.
_doubtful: set[Path] = set()


@contextlib.contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Turn what the operating system refuses into `Unavailable`, saying what was being done."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"could not {doing}: {error}") from error


def file_name(name: str) -> str:
    """Return `name` as one safe file name; `original_name` gives it back.

    Raises:
        ValueError: it is empty or too long to be a file name.
    """
    encoded = quote(name, safe=":@")
    if encoded.startswith("."):  # neither "." nor ".." nor a hidden file
        encoded = "%2E" + encoded[1:]
    if not 0 < len(encoded) <= _NAME_BYTES_MAX:
        raise ValueError(f"a name of 1 to {_NAME_BYTES_MAX} bytes is expected; {name!r} came")
    return encoded


def original_name(encoded: str) -> str:
    """The name that `file_name` encoded."""
    return unquote(encoded)


def create(path: Path) -> int:
    """Open a new file for appending; `FileExistsError` when there is one by that name."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    return os.open(path, flags, 0o640)


def write_all(fd: int, content: bytes) -> None:
    """Write every byte: the kernel may take fewer at once, the last few when the disk is full."""
    view = memoryview(content)
    while view:
        written = os.write(fd, view)
        if written == 0:
            raise OSError("the disk took no more bytes")
        view = view[written:]


def append_all(fd: int, content: bytes) -> None:
    """`write_all`; under a test's hook in two halves, so that a kill can fall between them."""
    if failpoints.on_failpoint is not None:
        half = len(content) // 2
        write_all(fd, content[:half])
        failpoint("journal.mid_append")
        content = content[half:]
    write_all(fd, content)


def sync(fd: int) -> None:
    """Return once the file's bytes and length would survive power loss (P1).

    After an `OSError` nothing about the file is known and asking again proves nothing: the kernel
    may have forgotten the pages it could not write and answer the next sync with success (P8).
    """
    if sys.platform == "darwin":
        # fsync leaves the bytes in the drive's cache there; fdatasync does not exist.
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a file's own sync does not cover its name.

    After one failure it raises `Spoiled` for the rest of this process: see `sync` (P8).
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if folder in _doubtful:
            raise Spoiled(f"an earlier sync of {folder} failed; start this process anew")
        try:
            os.fsync(fd)
        except OSError:
            _doubtful.add(folder)
            raise
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make `folder` in its existing parent, durably.

    One that stands already is made durable too: another process may have made it a moment ago.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o750)
    sync_folder(folder.parent)


def make_root(root: Path) -> None:
    """Make a store's root and whatever is missing above it, durably."""
    missing = [root]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o750)
        # A folder above the store may be one we may pass but not open.
        with contextlib.suppress(PermissionError):
            sync_folder(folder.parent)


@contextlib.contextmanager
def draft(root: Path, content: bytes) -> Iterator[Path]:
    """A synced file with `content` under a passing name, to be linked where it belongs."""
    path = root / TMP / secrets.token_hex(16)
    try:
        fd = create(path)
    except FileNotFoundError:  # the first draft in this store
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.parent, 0o750)
        fd = create(path)
    try:
        try:
            write_all(fd, content)
            sync(fd)
        finally:
            os.close(fd)
        yield path
    finally:
        unlink(path)  # may be gone: a server that starts sweeps drafts


def link_new(draft_path: Path, path: Path) -> None:
    """Give a draft its name, unless that is taken: of two writers the first stays.

    Linking refuses to replace, where renaming would not.  Durable after `sync_folder`.
    """
    with contextlib.suppress(FileExistsError):
        os.link(draft_path, path)


def unlink(path: Path) -> None:
    """Remove a file; one that is gone already is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_folder(root: Path, folder: Path) -> None:
    """Take `folder` away in one durable step, then delete what was in it; gone already is fine."""
    if not folder.exists():  # asking leaves no trace, not even an empty trash
        return
    away = root / TRASH / f"{folder.parent.name}~{folder.name}-{secrets.token_hex(4)}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(away.parent, 0o750)
    try:
        os.rename(folder, away)
    except FileNotFoundError:
        return
    try:
        sync_folder(folder.parent)
    except FileNotFoundError:  # the last one out removed it: make that durable instead
        sync_folder(folder.parent.parent)
    remove_tree(away)
    with contextlib.suppress(OSError):  # not empty, or gone: another incarnation stands there
        os.rmdir(folder.parent)


def remove_tree(folder: Path) -> None:
    """Delete `folder` and the files in it; one that another process is deleting too is fine."""
    with contextlib.suppress(FileNotFoundError):
        for entry in list(os.scandir(folder)):
            unlink(Path(entry.path))
        os.rmdir(folder)
