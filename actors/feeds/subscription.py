"""Subscriptions: one user's changes from a position on, each version once and in order.

A feed tells what happens, the receipts what happened: a subscription listens first, reads what was
missed, and goes on with what was heard meanwhile.  Whatever goes wrong in between (a connection, a
host, a move) is answered by the same: what was missed is read again, from where it is.

Not for: frames, or how fast a client reads (`gateway`).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from actors.errors import DeliveryError
from actors.feeds.changes import Change, Missed, WholeState, missed_of
from actors.feeds.feed import Feed, Listener
from actors.messages import ReadChanges, Reply, Request
from domain.state.position import Position

log = structlog.get_logger(__name__)


class Directory(Protocol):
    """What a subscription needs of `UserDirectory`."""

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        ...

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        ...


class Subscriber(Protocol):
    """Whoever is told of one user's changes.  The calls come in order, and none may block."""

    def state(self, state: WholeState) -> None:
        """This is everything; it replaces what was known."""
        ...

    def changed(self, change: Change) -> None:
        """The next version, one higher than the last."""
        ...

    def caught_up(self, position: Position) -> None:
        """Nothing is missing up to here: from now on changes come as they become durable.

        Said after what was missed at first, and after each `state`.
        """
        ...

    def failed(self, error: DeliveryError) -> None:
        """What was missed cannot be read now: nothing more will come, so resume later."""
        ...


async def read_changes(directory: Directory, request: ReadChanges) -> Missed | WholeState:
    """What the reader has missed, or everything where that cannot be told.

    Raises:
        DeliveryError: as `UserDirectory.ask`; `ReadRefused` where the host refused.
    """
    [reply] = await directory.ask([request])
    return missed_of(request.user_id, reply)


class Subscription:
    """One subscriber's way through the versions of one user.

    Args:
        request: whose, from which position on, and how the whole state is to be shown.

    Attributes:
        position: the version that the subscriber was told of last; None before the first.
    """

    __slots__ = (
        "_caught_up",
        "_closed",
        "_directory",
        "_feed",
        "_heard",
        "_reading",
        "_request",
        "_stale",
        "_subscriber",
        "position",
    )

    def __init__(self, directory: Directory, request: ReadChanges, subscriber: Subscriber) -> None:
        self.position = request.after
        self._directory = directory
        self._request = request
        self._subscriber = subscriber
        self._heard: list[Change] = []
        self._stale = self._closed = self._caught_up = False
        self._feed = directory.watch(request.user_id, self)
        self._reading: asyncio.Task[None] | None = None
        self._read()

    def changed(self, change: Change) -> None:
        """See `Listener`."""
        if self._reading is not None:
            self._heard.append(change)
        elif not self._pass_on(change):
            self._read()

    def lost(self) -> None:
        """See `Listener`."""
        self._stale = True
        if self._reading is None:
            self._read()

    def close(self) -> None:
        """Nothing is told any more."""
        self._closed = True
        self._feed.close()
        if self._reading is not None:
            self._reading.cancel()

    def _read(self) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Read what was missed until nothing was lost meanwhile, then pass on what was heard."""
        try:
            while True:
                self._stale = False
                async with self._feed.reads:
                    request = replace(self._request, after=self.position)
                    read = await read_changes(self._directory, request)
                self._take(read)
                heard, self._heard = self._heard, []
                for change in heard:
                    if not self._closed:
                        self._stale |= not self._pass_on(change)
                if not self._stale or self._closed:
                    break
        except DeliveryError as error:
            self._fail(error)
            return
        except Exception as error:  # our bug: nobody waits for ever
            log.exception("changes could not be read")
            self._fail(DeliveryError(repr(error)))
            return
        self._reading = None
        if not self._closed and not self._caught_up:
            assert self.position is not None
            self._caught_up = True
            self._subscriber.caught_up(self.position)

    def _fail(self, error: DeliveryError) -> None:
        self._reading = None
        self.close()
        self._subscriber.failed(error)

    def _take(self, read: Missed | WholeState) -> None:
        self.position = read.position
        if isinstance(read, WholeState):
            self._caught_up = False
            self._subscriber.state(read)
            return
        for change in read.changes:
            if not self._closed:
                self._subscriber.changed(change)

    def _pass_on(self, change: Change) -> bool:
        """Tell of a change that was heard, unless it is known; False: some before it is not."""
        assert self.position is not None
        if self.position.precedes(change.position):
            self.position = change.position
            self._subscriber.changed(change)
            return True
        known = change.position.era == self.position.era
        return known and change.version <= self.position.version
