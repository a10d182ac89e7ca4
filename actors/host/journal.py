"""The journal of a host: one stream's life, from its opening to its loss or its close.

A host may read users at any time, but before its first change its journal *opens*: it claims a
stream for this incarnation, fences the streams of earlier incarnations and folds them into
snapshots (P3, P7).  So a host that only reads leaves nothing in the store.  With the first append
that fails the stream is lost for good (P8), and the next opening claims another.

Not for: what a record says (`persistence.codec`), how records share a sync (`group_commit`), or
whose turns they are (`host`).
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec.structs import asdict

from actors.background_tasks import BackgroundTasks
from actors.host.settings import HostSettings
from actors.host.snapshots import Snapshots, UserInMemory
from persistence.eras import store_era
from persistence.errors import Fenced, Spoiled, StorageError
from persistence.failpoints import failpoint
from persistence.journal.group_commit import GroupCommit
from persistence.journal.recovery import check_server, close_quietly, fold
from persistence.store import Store, Stream

log = structlog.get_logger(__name__)

UNDURABLE_BYTES_MAX = 64 * 1024 * 1024
"""Decided but not yet durable; beyond it the journal is `behind`."""

CHECKPOINT_SNAPSHOTS_AT_ONCE = 8
"""Hides the wait for the store, and leaves the loop to the users who are being served."""

DRAIN_SNAPSHOTS_AT_ONCE = 64

CHECKPOINT_PAUSE_SECONDS = 10.0
"""After a checkpoint that failed: a store that is away is not asked at every commit."""


class HostJournal:
    """The stream of one host.

    `epoch` rises whenever the stream is opened or lost: what was read in an earlier epoch may have
    been changed by another incarnation, or may never have happened.  `store_era` is the store's own
    era (P10), empty until it is opened first.

    Args:
        in_memory: every user in memory, for checkpoints.
        on_lost: called when the stream is lost, before whoever waits for a commit of it goes on.
        on_fenced: called when another incarnation has taken over, or when this process cannot
            trust its disk any more.
    """

    def __init__(
        self,
        host: str,
        store: Store,
        settings: HostSettings,
        tasks: BackgroundTasks,
        *,
        in_memory: Callable[[], list[UserInMemory]],
        on_lost: Callable[[BaseException], None],
        on_fenced: Callable[[], None],
    ) -> None:
        self.epoch = 0
        self.store_era = ""
        self.snapshots = Snapshots(store, host, on_fenced)
        self.commits: GroupCommit | None = None
        self._host = host
        self._store = store
        self._settings = settings
        self._tasks = tasks
        self._in_memory = in_memory
        self._on_lost = on_lost
        self._on_fenced = on_fenced
        self._opening = asyncio.Lock()
        self._stream: Stream | None = None
        self._checkpointing = False
        self._bytes = self._sequence = self._covered = 0
        self._due: asyncio.TimerHandle | None = None
        self._not_before = 0.0

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
            self._stream = await open_stream(self._store, self._host, self._settings)
            self.store_era = await store_era(self._store)
            self.commits = GroupCommit(self._stream)
            self._bytes = self._sequence = self._covered = 0
            self.epoch += 1
            return True

    async def left_behind(self) -> bool:
        """Whether earlier incarnations left streams that have to be folded before any read.

        Raises:
            StorageError: the store is away.
        """
        return self.commits is None and bool(await self._store.streams(self._host))

    def commit(self, record: bytes) -> asyncio.Future[int]:
        """Commit a record to the open stream: see `GroupCommit.commit`."""
        assert self.commits is not None
        self._bytes += len(record)
        return self.commits.commit(record)

    def committed(self, sequence: int) -> None:
        """A batch became durable; begin a checkpoint when the journal has grown long or old."""
        self._sequence = sequence
        if self._due is None:
            self._begin_checkpoint_in(self._settings.checkpoint_seconds)
        batches_max = self._store.batches_max
        many = batches_max is not None and sequence - self._covered >= batches_max
        if many or self._bytes >= self._settings.checkpoint_bytes:
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        if self._checkpointing or asyncio.get_running_loop().time() < self._not_before:
            return
        self._checkpointing = True
        self._tasks.spawn(self._checkpoint())

    def _begin_checkpoint_in(self, seconds: float) -> None:
        self._forget_due()
        self._due = asyncio.get_running_loop().call_later(seconds, self._begin_checkpoint)

    def _forget_due(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def lose(self, error: BaseException) -> None:
        """Give the stream up after an append that failed (P8); only the first failure counts."""
        if self._stream is None:
            return
        log.error("journal lost", host=self._host, reason=str(error))
        stream, self._stream, self.commits = self._stream, None, None
        self._forget_due()
        self.epoch += 1
        self._on_lost(error)
        self._tasks.spawn(close_quietly(stream))
        if isinstance(error, Fenced | Spoiled):
            self._on_fenced()

    async def _checkpoint(self) -> None:
        """Snapshot every user the journal still covers, then drop that part of it."""
        stream, sequence, covered = self._stream, self._sequence, self._bytes
        users, done = self._in_memory(), False
        failpoint("host.checkpoint")
        try:
            written = await self.snapshots.write_all(users, CHECKPOINT_SNAPSHOTS_AT_ONCE)
            if written and stream is not None and stream is self._stream:
                await stream.drop_through(sequence)
                self._bytes -= covered
                self._covered, done = sequence, True
        except StorageError as error:
            log.error("checkpoint failed", host=self._host, reason=str(error))
        finally:
            self._checkpointing = False
            if stream is self._stream:
                self._plan_next(done)

    def _plan_next(self, done: bool) -> None:
        self._forget_due()
        if not done:
            self._not_before = asyncio.get_running_loop().time() + CHECKPOINT_PAUSE_SECONDS
            self._begin_checkpoint_in(CHECKPOINT_PAUSE_SECONDS)
        elif self._sequence > self._covered:
            self._begin_checkpoint_in(self._settings.checkpoint_seconds)

    async def drain(self) -> None:
        """Wait for what is on its way, snapshot every user in memory, drop what they cover.

        A store that is away costs nothing: what is durable stands in the journal.
        """
        try:
            if self.commits is not None:
                await self.commits.drained()
            users = self._in_memory()
            written = await self.snapshots.write_all(users, DRAIN_SNAPSHOTS_AT_ONCE)
            if written and self._stream is not None:
                await self._stream.drop_through(self._sequence)
        except StorageError as error:
            log.error("drain left the journal standing", host=self._host, reason=str(error))

    async def close(self) -> None:
        """Let go of the stream."""
        self._forget_due()
        if self._stream is not None:
            await close_quietly(self._stream)


async def open_stream(store: Store, host: str, settings: HostSettings) -> Stream:
    """A stream of `host` that nobody else writes, with every earlier one of it folded.

    Raises:
        StorageError: the store is away, damaged or not ours to open.
    """
    stream = await store.claim(host)
    try:
        await check_server(store, settings.server)
        earlier = [id_ for id_ in await store.streams(host) if id_ != stream.id]
        folded = await fold(store, earlier, settings.receipt_window)
    except BaseException:
        await close_quietly(stream)
        raise
    if folded.streams:
        log.info("recovered", host=host, **asdict(folded))
    return stream
