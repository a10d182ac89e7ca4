"""One server, or one tool that writes, for one store on disk: the second is refused by name.

The lock keeps mistakes out; it is no fence.  What keeps a *stale* writer from being believed is in
`disk.stream` (P3), lock or no lock.

Not for: hosts.  They open the store in processes of their own and take no lock.
"""

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import Self

from persistence.disk import files
from persistence.errors import StoreInUse

LOCK = "lock"


class ServerLock:
    """Held from `lock_store` until `close` or the end of the process, whichever comes first."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd

    def close(self) -> None:
        """Let the next server in.  Closing twice is fine."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lock_store(root: Path, owner: str) -> ServerLock:
    """Lock the store under `root` for `owner`, and sweep what crashes left.

    `owner` is a server's URL, or what an operator's tool calls itself.

    Raises:
        StoreInUse: another server holds it; the message names that server.
        Unavailable: the disk refused.
    """
    with files.unavailable(f"lock the store in {root}"):
        files.make_root(root)
        fd = os.open(root / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreInUse(_in_use(root, os.pread(fd, 4096, 0))) from None
            os.ftruncate(fd, 0)
            os.pwrite(fd, _card(owner), 0)
            _sweep(root)
        except BaseException:
            os.close(fd)
            raise
        return ServerLock(fd)


def _card(owner: str) -> bytes:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    card = {"pid": os.getpid(), "host": socket.gethostname(), "url": owner, "started": started}
    return json.dumps(card).encode() + b"\n"


def _in_use(root: Path, card: bytes) -> str:
    try:
        first = json.loads(card)
        holder = first["url"]
        named = f"the server at {holder}" if "://" in holder else f"`{holder}`"
        who = f"{named} (process {first['pid']} on {first['host']}, since {first['started']})"
    except (ValueError, LookupError, TypeError):
        who = "a server that is just starting"
    return f"The store in {root} is in use by {who}. Stop that first, or name another store."


def _sweep(root: Path) -> None:
    """Delete drafts and dropped streams that a crash left half deleted.

    A stale host may still be writing a draft: its link then fails, which loses nothing that was
    acknowledged.
    """
    files.remove_tree(root / files.TMP)
    trash = root / files.TRASH
    if trash.exists():
        for dropped in list(os.scandir(trash)):
            files.remove_tree(Path(dropped.path))
