"""Moves of slots between the hosts of one server, a few slots at a time, while users are served.

A move: the host that has the slots writes snapshots ahead, lets go of them and names its
incarnation; the table is exchanged for one in which the other host has them; that host and the
gateways are told.  Whatever fails on the way, the slots stay where the newest table has them, and
whoever that is hears it again.

Not for: what a host does (`handover`), or where requests go meanwhile (`actors.transport`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

import structlog

from actors.errors import AskAgain, HostGone
from persistence.errors import StorageError
from persistence.slot_table import NotReleased, SlotTable, change_table, settle, spread
from persistence.store import Store, StreamId

log = structlog.get_logger(__name__)

MOVES_MAX = 64
"""About so many moves empty a host, however many slots there are."""
RELEASE_SECONDS = 1.5
"""So long may users of slots that move wait for the host that has them; then it keeps them."""
WRITE_AHEAD_SECONDS = 60.0
TELL_SECONDS = 1.0
TRIES = 5
PAUSE_SECONDS = 0.5
"""Before a move that failed is tried again."""

_FAILURES = (HostGone, AskAgain, StorageError, NotReleased, TimeoutError)


class MovesFailed(Exception):
    """Slots could not be moved.  The message is one sentence; the rest is where it was."""


class SlotHost(Protocol):
    """A host as moves see it: see `Handover`.  Beside that all raise `HostGone` and `AskAgain`."""

    async def take(self, table: SlotTable, order: int) -> None:
        """Hold what the table gives it."""
        ...

    async def write_ahead(self, slots: Sequence[int]) -> None:
        """Write snapshots."""
        ...

    async def release(self, slots: Sequence[int], order: int) -> str:
        """Serve nobody of these any more; the incarnation that let go."""
        ...


FindHost = Callable[[str], Awaitable[SlotHost]]
"""A host of that name, which is started if there is none, and open."""


class SlotMoves:
    """The moves of one server: one after the other.

    Args:
        table: as the server has begun it.
        find: the hosts.
        announce: tells all gateways of a new table.

    Attributes:
        table: the newest that is known here.
    """

    def __init__(
        self,
        store: Store,
        table: SlotTable,
        find: FindHost,
        announce: Callable[[SlotTable], Awaitable[None]],
    ) -> None:
        self.table = table
        self._store = store
        self._find = find
        self._announce = announce
        self._moving = asyncio.Lock()
        self._order = 0

    async def spread(self, hosts: Sequence[str]) -> int:
        """Have the slots spread evenly over these hosts, with the fewest moves; how many moved.

        Raises:
            MovesFailed: ask again.
        """
        moved = 0
        async with self._moving:
            tries = TRIES
            while due := self._next_move(hosts):
                try:
                    await self._move(*due)
                    moved, tries = moved + len(due[0]), TRIES
                except _FAILURES as error:
                    tries -= 1
                    log.warning("slots stay where they are", slots=due[0], reason=str(error))
                    await self._settle()
                    if not tries:
                        raise MovesFailed(
                            f"slots of {due[1]} could not be moved: {error}"
                        ) from None
                    await asyncio.sleep(PAUSE_SECONDS)
        return moved

    async def tell_hosts(self) -> None:
        """Tell every host the newest table once more, unless slots are just moving."""
        if not self._moving.locked():
            async with self._moving:
                for host in sorted(set(self.table.slots)):
                    await self._tell(host)

    def _next_move(self, hosts: Sequence[str]) -> tuple[list[int], str, str] | None:
        """Slots, who has them and who is to; None when nothing has to move."""
        slots = self.table.slots
        pairs = defaultdict[tuple[str, str], list[int]](list)
        for slot, (source, target) in enumerate(zip(slots, spread(slots, hosts), strict=True)):
            if source != target:
                pairs[source, target].append(slot)
        if not pairs:
            return None
        (source, target), moving = next(iter(pairs.items()))
        return list(islice(moving, max(1, len(slots) // MOVES_MAX))), source, target

    async def _move(self, slots: list[int], source: str, target: str) -> None:
        there = await self._find(target)
        here = await self._find(source)
        async with asyncio.timeout(WRITE_AHEAD_SECONDS):
            await here.write_ahead(slots)
        async with asyncio.timeout(RELEASE_SECONDS):
            incarnation = await here.release(slots, self._next_order())
        released = StreamId(source, incarnation)

        def moved(table: SlotTable | None) -> SlotTable | None:
            return None if table is None else table.moved(slots, released, target)

        table = await change_table(self._store, moved)
        assert table is not None, "the server has begun it"
        with suppress(*_FAILURES):  # an incarnation that begins now reads the table itself
            async with asyncio.timeout(TELL_SECONDS):
                await there.take(table, self._next_order())
        # Not before: a host that refuses one request and takes the next changes their order.
        self._learn(table)
        await self._announce(self.table)
        log.info("slots moved", slots=slots, source=source, target=target)

    async def _settle(self) -> None:
        """Find out where the slots are, for good, and tell whoever has them."""
        while True:
            try:
                self._learn(await settle(self._store))
                break
            except StorageError as error:
                log.error("the slot table cannot be read", reason=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
        for host in sorted(set(self.table.slots)):
            await self._tell(host)
        await self._announce(self.table)

    async def _tell(self, host: str) -> None:
        with suppress(*_FAILURES):  # it hears it again soon
            async with asyncio.timeout(TELL_SECONDS):
                found = await self._find(host)
                await found.take(self.table, self._next_order())

    def _learn(self, table: SlotTable | None) -> None:
        if table is not None and table.version > self.table.version:
            self.table = table

    def _next_order(self) -> int:
        self._order += 1
        return self._order
