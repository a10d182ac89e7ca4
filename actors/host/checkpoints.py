"""Checkpoints: a journal is kept short by a steady trickle of snapshots, never by a burst.

Of every user with records in the journal the batch of the oldest one is known.  A *round* writes
the snapshots of all whom the journal covers when it begins, the oldest record's user first, and
spreads them evenly over half of what the journal may grow by; what they cover is dropped as it goes
on.  So a record stands for two rounds at most, and the journal stays as short as it may be.

Not for: how a snapshot gets into the store (`snapshots`), or the stream's life (`journal`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

from msgspec import Struct

from actors.background_tasks import BackgroundTasks
from actors.host.snapshots import Snapshots, UserInMemory
from persistence.failpoints import failpoint
from persistence.store import Stream

SNAPSHOTS_AT_ONCE = 64
"""Where the store is slow, so many writes wait for it side by side; each is encoded in a turn of
the event loop's own."""

DROPS_A_ROUND = 8
"""The journal is cut so often in a round: each cut costs the store some calls."""

PAUSE_SECONDS = 10.0
"""After a failure: a store that is away is not asked at every commit."""


class Growth(Struct, frozen=True):
    """How long a journal is, or may become; None is without end."""

    bytes: float
    batches: float | None
    seconds: float

    def share_of(self, most: "Growth") -> float:
        """The largest of its three shares in `most`."""
        batches = self.batches / most.batches if self.batches and most.batches else 0.0
        return max(self.bytes / most.bytes, batches, self.seconds / most.seconds)


class _Write(Struct, eq=False):
    """A user whose snapshot does not stand yet, and the batch of their oldest record."""

    user_id: str
    sequence: int


class _Round(Struct):
    """One pass through the users whom the journal covered at `began`; `begun` were written."""

    users: int
    bytes: int
    sequence: int
    began: float
    begun: int = 0
    dropped_at: int = 0


class Checkpoints:
    """Keeps the journal of one stream short.

    Args:
        most: how long the journal may become.
        find: the user if they are in memory, awake or hibernated.  Whoever left it did so once
            their snapshot stood.
    """

    def __init__(
        self,
        stream: Stream,
        snapshots: Snapshots,
        tasks: BackgroundTasks,
        most: Growth,
        find: Callable[[str], UserInMemory | None],
    ) -> None:
        self._stream = stream
        self._snapshots = snapshots
        self._tasks = tasks
        self._half = Growth(
            most.bytes / 2, most.batches / 2 if most.batches else None, most.seconds / 2
        )
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._oldest: OrderedDict[str, int] = OrderedDict()
        self._writing: set[_Write] = set()
        self._round: _Round | None = None
        self._bytes = self._sequence = self._dropped = 0
        self._working = self._closed = False
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def batches(self) -> int:
        """How many batches stand in the journal."""
        return self._sequence - self._dropped

    def committed(self, sequence: int, size: int, user_ids: Iterable[str]) -> None:
        """A batch of so many bytes is durable, and the rows in memory are those after it."""
        for user_id in user_ids:
            self._oldest.setdefault(user_id, sequence)
        self._begin_round()
        self._sequence = sequence
        self._bytes += size
        self._advance()

    def close(self) -> None:
        """Begin nothing any more."""
        self._closed = True
        self._stop_timer()

    async def finish(self, at_once: int) -> None:
        """Write the snapshots of all whom the journal covers, and drop all of it.

        Nothing may be on its way.

        Raises:
            StorageError: the journal could not be dropped.
        """
        self.close()
        left = [*self._oldest, *(write.user_id for write in self._writing)]
        users = [user for user_id in left if (user := self._find(user_id)) is not None]
        if await self._snapshots.write_all(users, at_once):
            await self._stream.drop_through(self._sequence)

    def _begin_round(self) -> None:
        if self._round is None and self._oldest:
            users = len(self._oldest)
            self._round = _Round(users, self._bytes, self._sequence, self._loop.time())

    def _advance(self) -> None:
        """Begin what is due, or see to it that it is begun in time."""
        now = self._loop.time()
        if self._timer is not None and self._timer.when() <= now:
            self._timer = None
        if self._working or self._closed or self._round is None:
            return
        if now < self._not_before:
            self._advance_at(self._not_before)
        elif self._writing or self._due(self._round, now) or self._is_over(self._round):
            self._working = True
            self._tasks.spawn(self._work(self._round))
        else:
            next_share = (self._round.begun + 1) / self._round.users
            self._advance_at(self._round.began + next_share * self._half.seconds)

    def _advance_at(self, when: float) -> None:
        if self._timer is not None and self._timer.when() == when:
            return
        self._stop_timer()
        self._timer = self._loop.call_at(when, self._advance)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, round_: _Round, now: float) -> int:
        """How many more users of the round should have been written by now."""
        grown = Growth(
            self._bytes - round_.bytes, self._sequence - round_.sequence, now - round_.began
        )
        share = min(1.0, grown.share_of(self._half))
        return int(round_.users * share) - round_.begun

    def _is_over(self, round_: _Round) -> bool:
        return round_.begun == round_.users and not self._writing

    async def _work(self, round_: _Round) -> None:
        """Write who is due, and drop what that has covered, until nobody is due."""
        try:
            while not self._closed:
                await self._write_due(round_)
                await self._drop_covered(round_)
                if self._is_over(round_):
                    self._round = None
                    self._begin_round()
                    break
                if not self._due(round_, self._loop.time()):
                    break
        except Exception as error:
            self._not_before = self._loop.time() + PAUSE_SECONDS
            self._snapshots.report("checkpoint failed", error)
        self._working = False
        self._advance()

    async def _write_due(self, round_: _Round) -> None:
        """Write at most `SNAPSHOTS_AT_ONCE` snapshots, those that failed before among them."""
        room = SNAPSHOTS_AT_ONCE - len(self._writing)
        for _ in range(min(self._due(round_, self._loop.time()), room)):
            self._writing.add(_Write(*self._oldest.popitem(last=False)))
            round_.begun += 1
        tasks = []
        for write in list(self._writing):
            tasks.append(self._tasks.spawn(self._write(write)))
            await asyncio.sleep(0)  # others have turns before the next is encoded
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _write(self, write: _Write) -> None:
        """Write the newest durable state; what was committed before is covered then."""
        failpoint("host.checkpoint")
        user = self._find(write.user_id)
        if user is not None:
            await self._snapshots.save(user)
        self._writing.discard(write)
        failpoint("host.checkpointed")

    async def _drop_covered(self, round_: _Round) -> None:
        """Drop what no user needs any more, if that is worth the store's calls by now."""
        step = max(1, round_.users // DROPS_A_ROUND)
        if self._closed or not (self._is_over(round_) or round_.begun - round_.dropped_at >= step):
            return
        round_.dropped_at = round_.begun
        through = self._covered_through()
        if through > self._dropped:
            await self._stream.drop_through(through)
            self._dropped = through

    def _covered_through(self) -> int:
        """The last batch before the oldest record that no snapshot holds yet."""
        needed = [write.sequence for write in self._writing]
        if self._oldest:
            needed.append(next(iter(self._oldest.values())))
        return min(needed) - 1 if needed else self._sequence
