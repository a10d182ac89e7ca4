"""The journal of a host: one stream's life, from its opening to its loss or its close.

A host may read users at any time, but before its first change its journal *opens*: it claims a
stream for this incarnation, fences the streams of earlier incarnations and folds them into
snapshots (P3, P7).  So a host that only reads leaves nothing in the store.  With the first append
that fails the stream is lost for good (P8), and the next opening claims another.

Not for: what a record says (`persistence.codec`), how records share a sync (`group_commit`), or
whose turns they are (`host`).
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from msgspec.structs import asdict

from actors.background_tasks import BackgroundTasks
from actors.held_slots import HeldSlots
from actors.host.checkpoints import Checkpoints, Length
from actors.host.settings import HostSettings
from actors.host.snapshots import Snapshots, UserInMemory
from persistence.eras import store_era
from persistence.errors import Fenced, Spoiled, StorageError
from persistence.journal.group_commit import GroupCommit
from persistence.journal.recovery import Folded, check_server, close_quietly, fold
from persistence.store import Store, Stream

log = structlog.get_logger(__name__)

UNDURABLE_BYTES_MAX = 64 * 1024 * 1024
"""Decided but not yet durable; beyond it the journal is `behind`."""

DRAIN_SNAPSHOTS_AT_ONCE = 64


class HostJournal:
    """The stream of one host.

    `epoch` rises whenever the stream is opened or lost: what was read in an earlier epoch may have
    been changed by another incarnation, or may never have happened.  `store_era` is the store's own
    era (P10), empty until it is opened first.  `fold_seconds` is how long the last opening took to
    fold what earlier incarnations had left.

    Args:
        find: a user in memory, for checkpoints.
        on_lost: called when the stream is lost, before whoever waits for a commit of it goes on.
        on_fenced: called when another incarnation has taken over, or when this process cannot
            trust its disk any more.
        slots: told of each stream that is claimed, once what earlier ones hold is folded and before
            anything is appended.
    """

    def __init__(
        self,
        host: str,
        store: Store,
        settings: HostSettings,
        tasks: BackgroundTasks,
        *,
        find: Callable[[str], UserInMemory | None],
        on_lost: Callable[[BaseException], None],
        on_fenced: Callable[[], None],
        slots: HeldSlots | None = None,
    ) -> None:
        self.epoch = 0
        self.fold_seconds = 0.0
        self.records_folded = 0
        self.store_era = ""
        self.snapshots = Snapshots(store, host, on_fenced)
        self.commits: GroupCommit | None = None
        self.checkpoints: Checkpoints | None = None
        self._host = host
        self._store = store
        self._settings = settings
        self._tasks = tasks
        self._find = find
        self._on_lost = on_lost
        self._on_fenced = on_fenced
        self._slots = slots
        self._opening = asyncio.Lock()
        self._stream: Stream | None = None
        self._uncounted_bytes = 0

    @property
    def incarnation(self) -> str | None:
        """That of the open stream; None where none is open."""
        return None if self._stream is None else self._stream.id.incarnation

    @property
    def batches(self) -> int:
        """How many batches stand in the stream."""
        return 0 if self.checkpoints is None else self.checkpoints.batches

    @property
    def opening(self) -> bool:
        """It is just being opened, which reads what earlier incarnations left."""
        return self._opening.locked()

    @property
    def behind(self) -> bool:
        """So much waits to become durable that new commands have to be refused."""
        return self.commits is not None and self.commits.pending_bytes > UNDURABLE_BYTES_MAX

    async def open(self) -> bool:
        """Become the host's one writer; False when it is that already.

        Raises:
            StorageError: the store is away, damaged or not ours to open.
        """
        async with self._opening:
            if self.commits is not None:
                return False
            self._stream, folded = await open_stream(
                self._store, self._host, self._settings, self._slots
            )
            self.fold_seconds, self.records_folded = folded.seconds, folded.records
            self.store_era = await store_era(self._store)
            self.commits = GroupCommit(self._stream)
            self.checkpoints = self._begin_checkpoints(self._stream)
            self.epoch += 1
            return True

    def _begin_checkpoints(self, stream: Stream) -> Checkpoints:
        most = Length(
            self._settings.checkpoint_bytes,
            self._store.batches_max,
            self._store.users_max,
            self._settings.checkpoint_seconds,
        )
        self._uncounted_bytes = 0
        return Checkpoints(stream, self.snapshots, self._tasks, most, self._find)

    async def left_behind(self) -> bool:
        """Whether earlier incarnations left streams that have to be folded before any read.

        Raises:
            StorageError: the store is away.
        """
        return self.commits is None and bool(await self._store.streams(self._host))

    def commit(self, record: bytes) -> asyncio.Future[int]:
        """Commit a record to the open stream: see `GroupCommit.commit`."""
        assert self.commits is not None
        self._uncounted_bytes += len(record)
        return self.commits.commit(record)

    def committed(self, sequence: int, user_ids: Iterable[str]) -> None:
        """A batch with turns of these users became durable, and the rows in memory are so too."""
        if self.checkpoints is not None:
            size, self._uncounted_bytes = self._uncounted_bytes, 0
            self.checkpoints.committed(sequence, size, user_ids)

    def lose(self, error: BaseException) -> None:
        """Give the stream up after an append that failed (P8); only the first failure counts."""
        if self._stream is None:
            return
        log.error("journal lost", host=self._host, reason=str(error))
        stream, self._stream, self.commits = self._stream, None, None
        if self.checkpoints is not None:
            self.checkpoints.close()
            self.checkpoints = None
        self.epoch += 1
        self._on_lost(error)
        self._tasks.spawn(close_quietly(stream))
        if isinstance(error, Fenced | Spoiled):
            self._on_fenced()

    async def drain(self) -> None:
        """Wait for what is on its way, snapshot whom the journal covers, and drop it.

        A store that is away costs nothing: what is durable stands in the journal.
        """
        try:
            if self.commits is not None and self.checkpoints is not None:
                await self.commits.drained()
                await self.checkpoints.finish(DRAIN_SNAPSHOTS_AT_ONCE)
        except StorageError as error:
            log.error("drain left the journal standing", host=self._host, reason=str(error))

    async def close(self) -> None:
        """Let go of the stream."""
        if self.checkpoints is not None:
            self.checkpoints.close()
        if self._stream is not None:
            await close_quietly(self._stream)


async def open_stream(
    store: Store, host: str, settings: HostSettings, slots: HeldSlots | None = None
) -> tuple[Stream, Folded]:
    """A stream of `host` that nobody else writes, and what was folded of every earlier one.

    Raises:
        StorageError: the store is away, damaged or not ours to open.
    """
    stream = await store.claim(host)
    try:
        await check_server(store, settings.server)
        earlier = [id_ for id_ in await store.streams(host) if id_ != stream.id]
        folded = await fold(store, earlier, settings.receipt_window)
        if slots is not None:
            await slots.register(store, stream.id, settings.server)
    except BaseException:
        await close_quietly(stream)
        raise
    if folded.streams:
        log.info("recovered", host=host, **asdict(folded))
    return stream, folded
