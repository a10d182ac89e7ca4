"""Snapshots of users in memory: who has one to be written, and how it gets into the store.

Not for: when that is due (`journal`, `activations`), or its bytes (`persistence.codec`).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from actors.long_work import JOINED_AT_ONCE_BYTES
from persistence.concurrency import for_each
from persistence.errors import Spoiled, StorageError
from persistence.store import Store

log = structlog.get_logger(__name__)


class UserInMemory(Protocol):
    """A user in memory, awake or hibernated.

    `version` is that of their durable state, `snapshot_version` that of the stored snapshot.
    """

    snapshot_version: int

    @property
    def user_id(self) -> str:
        """Whose rows they are."""
        ...

    @property
    def version(self) -> int:
        """The durable state's version."""
        ...

    def snapshot(self) -> Iterable[bytes]:
        """The durable state with its receipts as they are now, for the store, in slices."""
        ...


class Snapshots:
    """Writes the snapshots of one host's users.

    Args:
        on_fenced: called when this process cannot trust its disk any more.
    """

    def __init__(self, store: Store, host: str, on_fenced: Callable[[], None]) -> None:
        self._store = store
        self._host = host
        self._on_fenced = on_fenced

    async def write(self, user: UserInMemory) -> bool:
        """Write the user's durable state, unless the store has it; whether it has it now."""
        return await self.write_all([user], at_once=1)

    async def write_all(self, users: Iterable[UserInMemory], at_once: int) -> bool:
        """Write every user's, `at_once` of them; False, and no further, once one cannot be.

        What went wrong is logged once: side by side the same thing goes wrong for many.
        """
        try:
            await for_each(users, self.save, at_once)
        except StorageError as error:
            self.report("snapshot failed", error)
            return False
        return True

    def report(self, event: str, error: Exception) -> None:
        """Log that a snapshot could not be stored; a disk not to be trusted ends this process."""
        ours = None if isinstance(error, StorageError) else error
        log.error(event, host=self._host, reason=str(error), exc_info=ours)
        if isinstance(error, Spoiled):
            self._on_fenced()

    async def save(self, user: UserInMemory) -> None:
        """Write the user's durable state as it is now, unless the store has it.

        Raises:
            StorageError: the store is away or damaged; the journal still holds what is missing.
        """
        version = user.version
        if version > user.snapshot_version:
            payload = await joined(user.snapshot())
            await self._store.write_snapshot(user.user_id, version, payload)
            user.snapshot_version = max(version, user.snapshot_version)


async def joined(slices: Iterable[bytes]) -> bytes:
    """The slices in one piece; others have turns between them, and while many are joined."""
    content: list[bytes] = []
    for slice_ in slices:
        if content:
            await asyncio.sleep(0)
        content.append(slice_)
    if sum(map(len, content)) <= JOINED_AT_ONCE_BYTES:
        return b"".join(content)
    return await asyncio.to_thread(b"".join, content)
