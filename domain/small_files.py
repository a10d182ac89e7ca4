"""Reading files that people write and name: rules, settings, secrets, keys, stories.

Only regular files of a few megabytes are read, so that a pipe that nobody writes to, a device
without end, or the wrong file is one sentence instead of a wait or all of the memory.

Not for: anything that decides (`domain` is pure but for this and `rules.load`), or stores.
"""

import os
import stat
from pathlib import Path

FILE_BYTES_MAX = 4 << 20
"""More than any of these files needs; a larger one is the wrong one."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
}


class Unreadable(Exception):
    """There is no such file, or none that can be used: a phrase such as `PATH cannot be read: …`,
    without a full stop."""


def read_bytes(path: Path, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """All of a regular file; never a wait for somebody who writes.

    Raises:
        Unreadable: it is not there, is no regular file, may not be read, or is larger.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind != stat.S_IFREG:
            what = _KINDS.get(kind, "something else")
            raise Unreadable(f"{path} cannot be read: it is {what}, expected a file")
        # Not to be waited for, also if it has become a pipe since.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the path
        raise Unreadable(f"{str(path)!r} cannot be read: {error}") from None
    if len(content) > bytes_max:
        raise Unreadable(f"{path} cannot be read: it has more than {bytes_max:,} bytes")
    return content


def read_text(path: Path) -> str:
    """All of a regular file in UTF-8.

    Raises:
        Unreadable: as `read_bytes`, or it is not UTF-8.
    """
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"{path} cannot be read: it is not UTF-8") from None
