"""Writing users' durable states to the store; nobody waits for it but who lets go of them.

Not for: when a snapshot is due (`host`), or its bytes (`persistence.codec`).
"""

from collections.abc import Callable
from typing import Protocol

import structlog

from persistence.errors import Spoiled, StorageError
from persistence.store import Store

log = structlog.get_logger(__name__)


class Kept(Protocol):
    """A user in memory, awake or asleep.

    `version` is that of their durable state, `snapshot_version` what stands in the store of it.
    """

    snapshot_version: int

    @property
    def user_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def version(self) -> int:
        """See above."""
        ...

    def snapshot(self) -> bytes:
        """The durable state with its receipts, for the store."""
        ...


class Snapshots:
    """The snapshots of one host's users.

    Args:
        on_fenced: called when this process cannot trust its disk any more.
    """

    def __init__(self, store: Store, host: str, on_fenced: Callable[[], None]) -> None:
        self._store = store
        self._host = host
        self._on_fenced = on_fenced

    async def write(self, kept: Kept) -> bool:
        """Write the user's durable state, unless it stands already; whether it stands now."""
        version = kept.version
        if version <= kept.snapshot_version:
            return True
        try:
            await self._store.write_snapshot(kept.user_id, version, kept.snapshot())
        except StorageError as error:
            log.error("snapshot failed", host=self._host, reason=str(error))
            if isinstance(error, Spoiled):
                self._on_fenced()
            return False
        kept.snapshot_version = max(version, kept.snapshot_version)
        return True
