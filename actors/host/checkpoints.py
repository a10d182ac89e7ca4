"""Checkpoints: a journal is kept short by a steady trickle of snapshots, never by a burst.

Of every user with records in the journal it is known where the oldest one stands.  Until the
journal has grown by its length from there, that user's snapshot has to be written; whoever is due
first is written first.  The *pace* is so many users for so much growth as brings all of them in
before they are due, evenly; it is reckoned anew several times in each length.  What the snapshots
cover is dropped meanwhile.

Not for: how a snapshot gets into the store (`snapshots`), or the stream's life (`journal`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice
from math import inf

from msgspec import Struct

from actors.background_tasks import BackgroundTasks
from actors.host.snapshots import Snapshots, UserInMemory
from persistence.failpoints import failpoint
from persistence.store import Stream

SNAPSHOTS_AT_ONCE = 16
"""So many writes wait for the store side by side, each encoded in a turn of the event loop's own:
at 30 ms a request some 250 a second, beyond which users who are served would notice."""

PLANS = 8
"""The pace is reckoned so often for each length of the journal, and the journal cut."""

DUE = 1 - 1.5 / PLANS
"""After so much growth, in lengths, a record's user has to be written: well before the last cut."""

SAMPLES = 64
"""Users looked at for the pace."""

PAUSE_SECONDS = 10.0
"""After a failure: a store that is away is not asked at every commit."""


class Length(Struct, frozen=True):
    """How long a journal may become, and of how many users; None is without end."""

    bytes: int
    batches: int | None
    users: int | None
    seconds: float


class _Place(Struct, frozen=True):
    """Where a batch stands; `growth` is that of the journal before it, in its whole lengths."""

    sequence: int
    growth: float


class _Write(Struct, eq=False):
    """A user whose snapshot does not stand yet, and the place of their oldest record."""

    user_id: str
    place: _Place


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
        most: Length,
        find: Callable[[str], UserInMemory | None],
    ) -> None:
        self._stream = stream
        self._snapshots = snapshots
        self._tasks = tasks
        self._most = most
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._oldest: OrderedDict[str, _Place] = OrderedDict()
        self._writing: set[_Write] = set()
        self._sequence = self._dropped = 0
        self._growth = 0.0
        self._grown_at = self._loop.time()
        self._pace = self._planned_at = 0.0
        self._overdue = self._written = 0
        self._cut_due = False
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    @property
    def batches(self) -> int:
        """How many batches stand in the journal."""
        return self._sequence - self._dropped

    def committed(self, sequence: int, size: int, user_ids: Iterable[str]) -> None:
        """A batch of so many bytes is durable, and the rows in memory are those after it."""
        self._grow_older()
        place = _Place(sequence, self._growth)
        before = len(self._oldest)
        for user_id in user_ids:
            self._oldest.setdefault(user_id, place)
        self._growth += max(
            size / self._most.bytes,
            (sequence - self._sequence) / (self._most.batches or inf),
            (len(self._oldest) - before) / (self._most.users or inf),
        )
        self._sequence = sequence
        self._advance()

    def close(self) -> None:
        """Begin nothing any more."""
        self._closed = True
        self._stop_timer()

    async def finish(self, at_once: int) -> None:
        """Write the snapshots of all whom the journal covers, and drop all of it.

        No commit may be on its way.

        Raises:
            StorageError: the journal could not be dropped.
        """
        self.close()
        if self._worker is not None:
            await self._worker
        left = [*self._oldest, *(write.user_id for write in self._writing)]
        users = [user for user_id in left if (user := self._find(user_id)) is not None]
        if await self._snapshots.write_all(users, at_once):
            await self._stream.drop_through(self._sequence)

    @property
    def _uncovered(self) -> bool:
        return self._sequence > self._dropped

    def _grow_older(self) -> None:
        now = self._loop.time()
        self._growth += (now - self._grown_at) / self._most.seconds
        self._grown_at = now

    def _advance(self) -> None:
        """Begin what is due, or see to it that it is begun in time."""
        now = self._loop.time()
        if self._timer_at <= now:
            self._stop_timer()
        if self._worker is not None or self._closed or not self._uncovered:
            return
        if now < self._not_before:
            self._advance_at(self._not_before)
            return
        self._grow_older()
        if self._growth - self._planned_at >= 1 / PLANS or not self._pace:
            self._plan()
        if self._writing or self._cut_due or self._due() or not self._oldest:
            self._worker = self._tasks.spawn(self._work())
        else:
            until = self._planned_at + min(1 / PLANS, (self._written + 1) / self._pace)
            self._advance_at(now + (until - self._growth) * self._most.seconds)

    def _advance_at(self, when: float) -> None:
        if when < self._timer_at:
            self._stop_timer()
            self._timer, self._timer_at = self._loop.call_at(when, self._advance), when

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, inf

    def _plan(self) -> None:
        """Reckon the pace from now on, and cut the journal."""
        self._planned_at, self._written = self._growth, 0
        self._cut_due = self._oldest_needed() - 1 > self._dropped
        self._overdue, self._pace = 0, 0.0
        step = max(1, len(self._oldest) // SAMPLES)
        for number, place in enumerate(islice(self._oldest.values(), step - 1, None, step), 1):
            left = place.growth + DUE - self._growth
            if left <= 0:
                self._overdue = number * step
            else:
                self._pace = max(self._pace, (number * step - self._overdue) / left)

    def _due(self) -> int:
        """How many more users should have been written by now."""
        by_now = self._overdue + int(self._pace * (self._growth - self._planned_at))
        return min(by_now - self._written, len(self._oldest))

    async def _work(self) -> None:
        """Write who is due, and drop what that has covered, until nobody is due."""
        try:
            while not self._closed:
                await self._write_due()
                await self._drop_covered()
                self._grow_older()
                if not self._due():
                    break
        except Exception as error:
            self._not_before = self._loop.time() + PAUSE_SECONDS
            self._snapshots.report("checkpoint failed", error)
        self._worker = None
        self._advance()

    async def _write_due(self) -> None:
        """Write at most `SNAPSHOTS_AT_ONCE` snapshots, those that failed before among them."""
        for _ in range(min(self._due(), SNAPSHOTS_AT_ONCE - len(self._writing))):
            self._writing.add(_Write(*self._oldest.popitem(last=False)))
            self._written += 1
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

    async def _drop_covered(self) -> None:
        """Drop what no user needs any more, if that is worth the store's calls by now."""
        everything = not self._oldest and not self._writing
        if self._closed or not (self._cut_due or everything):
            return
        self._cut_due = False
        through = self._oldest_needed() - 1
        if through > self._dropped:
            await self._stream.drop_through(through)
            self._dropped = through

    def _oldest_needed(self) -> int:
        """The batch of the oldest record that no snapshot holds yet; the next one if all do."""
        needed = [write.place.sequence for write in self._writing]
        if self._oldest:
            needed.append(next(iter(self._oldest.values())).sequence)
        return min(needed, default=self._sequence + 1)
