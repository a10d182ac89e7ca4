"""Private temporary folders: short paths for sockets, mode 0700, gone when their maker is.

The path of a socket has at most 107 bytes, and temporary folders of build agents, batch systems
and macOS leave less than Ray needs; some machines have none that can be written.  So the first
place that fits is taken.  A folder is locked for as long as its maker runs: what a killed one left
is found unlocked by the next, and removed, if it has the mark of a folder that may be.  Processes
whose current folder is its `cwd` belong to it, and end with it.

Not for: what lasts (`persistence`).
"""

import errno
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SOCKET_PATH_BYTES_MAX = 107
FREE_BYTES_MIN = 32 * 1024 * 1024
PREFIX = "qk-"
MARK = ".questkeep-temporary"
CWD = "cwd"

_PLACES = ("/tmp", "/var/tmp", "/dev/shm")


class NoFolder(Exception):
    """No place for a temporary folder.  The message names each and what is wrong with it."""


class PrivateFolder:
    """A folder that nobody but this user can enter.

    Attributes:
        path: the folder; short enough for the sockets it was made for.
        cwd: an empty folder in it, for processes that are to end with it.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.cwd = path / CWD
        self._lock = lock

    @classmethod
    def make(cls, socket_bytes: int, preferred: str | None = None) -> "PrivateFolder":
        """A new folder; folders that dead processes of this user left are removed.

        Args:
            socket_bytes: length of the longest socket path below the folder, with its slash.
            preferred: where to try first; None is the machine's temporary folder.

        Raises:
            NoFolder: there is no place for one.
        """
        wrong = []
        for place in _places(preferred):
            _sweep(place)
            try:
                return cls._make_in(place, socket_bytes)
            except OSError as error:
                wrong.append(f"{place} ({error.strerror})")
        raise NoFolder(", ".join(wrong))

    @classmethod
    def _make_in(cls, place: str, socket_bytes: int) -> "PrivateFolder":
        path = tempfile.mkdtemp(prefix=PREFIX, dir=place)
        try:
            if len(os.fsencode(path)) + socket_bytes > SOCKET_PATH_BYTES_MAX:
                raise OSError(errno.ENAMETOOLONG, "its path is too long for sockets")
            room = os.statvfs(path)
            if room.f_bavail * room.f_frsize < FREE_BYTES_MIN:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            os.rmdir(path)
            raise
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.mkdir(os.path.join(path, CWD))
        Path(path, MARK).touch()  # last: whoever sees it finds the folder locked
        return cls(Path(path), lock)

    def remove(self) -> None:
        """End its processes, and remove it with everything in it."""
        _remove(self.path)
        os.close(self._lock)

    def leave(self) -> None:
        """End its processes; the folder can be looked at until the next one is made."""
        _end_processes(self.path)
        os.close(self._lock)


def _places(preferred: str | None) -> Iterator[str]:
    places: Iterable[str] = _PLACES
    try:
        places = (tempfile.gettempdir(), *places)
    except FileNotFoundError:
        pass  # Python found none that can be written; ours are tried all the same
    return iter(dict.fromkeys(os.path.abspath(one) for one in (preferred, *places) if one))


def _sweep(place: str) -> None:
    """Remove what this user's dead processes left in `place`."""
    for mark in Path(place).glob(f"{PREFIX}*/{MARK}"):
        try:
            lock = os.open(mark.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # another user's
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(mark.parent)
        except OSError:
            pass  # its maker runs
        finally:
            os.close(lock)


def _remove(path: Path) -> None:
    _end_processes(path)
    shutil.rmtree(path, ignore_errors=True)


def _end_processes(path: Path) -> None:
    """End every process that belongs to this folder, whoever is its parent.

    Some of Ray's outlive it by a minute, and are by then no descendants of who started them.
    """
    for current in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # another user's, or gone
            if os.readlink(current) == str(path / CWD):
                os.kill(int(current.parent.name), signal.SIGKILL)
