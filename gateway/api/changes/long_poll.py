"""Waiting for a user to change: the long poll, and reads of a version that is still to come.

Whoever waits takes no room from those who do not, and is answered at once when the server stops.

Not for: frames (`frames`), or live connections, which nobody has to ask again.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from actors.cluster.contract import UserDirectory
from actors.errors import DeliveryError
from actors.feeds.changes import Change, WholeState
from actors.feeds.subscription import Subscription
from actors.messages import Media, Read, ReadChanges, View
from domain.state.position import Position
from gateway.api.changes.frames import DEFAULT_ROWS, caught_up_frame, changes_frame
from gateway.api.exchange import Exchange, answered
from gateway.api.media import join
from gateway.api.parameters import position, query_of, user_of, whole_number
from gateway.http.messages import Response
from gateway.metrics.counters import Metrics
from gateway.problems import Problem, refusal, undelivered

WAIT_MS_MAX = 30_000
VERSION_SECONDS = 2.0
"""How long a read waits for the version that it is to show."""

MIN_VERSION = whole_number(
    "min_version",
    0,
    2**53 - 1,
    f"Wait until the user is at this version, {VERSION_SECONDS:g} s at most",
)

CHANGES_QUERY = (
    position("after", "The position that is known; without it everything is answered"),
    whole_number("wait_ms", 0, WAIT_MS_MAX, "How long to wait where nothing was missed"),
)


class Waits:
    """Who waits for a change in one gateway.

    Args:
        waiting: entered while a request waits: it then is none that is being answered.

    Attributes:
        over: set when the server stops, and nobody is to wait any more.
        count: how many wait now.
    """

    def __init__(self, waiting: Callable[[], AbstractContextManager[None]]) -> None:
        self.over = asyncio.Event()
        self.count = 0
        self._waiting = waiting

    async def until(self, news: asyncio.Event, seconds: float) -> None:
        """Return once there is news, or that much time is up, or everything is over."""
        if news.is_set() or self.over.is_set() or seconds <= 0:
            return
        either = [asyncio.ensure_future(event.wait()) for event in (news, self.over)]
        with self._waiting():
            self.count += 1
            try:
                await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.count -= 1
                for each in either:
                    each.cancel()


class ChangesEndpoint:
    """`GET …/changes`: what was missed, or the next that happens."""

    def __init__(self, directory: UserDirectory, waits: Waits, metrics: Metrics) -> None:
        self._directory = directory
        self._waits = waits
        self._metrics = metrics

    async def get(self, exchange: Exchange) -> Response:
        """The frames of a resume as a list: as soon as there is one, or else only `caught_up`."""
        user_id = user_of(exchange)
        query = query_of(exchange, CHANGES_QUERY)
        gathered = _Gathered(exchange.answer)
        request = ReadChanges(user_id, query.get("after"), exchange.answer)
        subscription = Subscription(self._directory, request, gathered)
        try:
            await gathered.known.wait()
            await self._waits.until(gathered.news, query.get("wait_ms", 0) / 1_000)
        finally:
            subscription.close()
        if gathered.error is not None:
            raise undelivered(gathered.error) from gathered.error
        if request.after is not None:
            self._metrics.resumes[gathered.how] += 1
        assert subscription.position is not None
        caught_up = caught_up_frame(subscription.position.version, exchange.answer)
        return answered(join([*gathered.frames, caught_up], exchange.answer), exchange.answer)


class _Gathered:
    """The frames so far.

    Attributes:
        how: they tell what was missed: by `changes`, or why not.
        known: set once what was missed is known, or that it cannot be.
        news: set once there is something to answer.
    """

    def __init__(self, media: Media) -> None:
        self.frames: list[bytes] = []
        self.how = "changes"
        self.error: DeliveryError | None = None
        self.known = asyncio.Event()
        self.news = asyncio.Event()
        self._media = media

    def state(self, state: WholeState) -> None:
        self.frames = [state.frame]
        self.how = state.why
        self.news.set()

    def changed(self, change: Change) -> None:
        self.frames.append(changes_frame(change, DEFAULT_ROWS, self._media))
        self.news.set()

    def caught_up(self, position: Position) -> None:
        self.known.set()

    def failed(self, error: DeliveryError) -> None:
        self.error = error
        self.known.set()
        self.news.set()


async def wait_for_version(
    directory: UserDirectory, waits: Waits, user_id: str, version: int
) -> None:
    """Return once readers see this version, or a later one.

    Raises:
        Problem: `outcome_unknown` when that takes too long, or why the user cannot be read.
    """
    news = _News()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + VERSION_SECONDS
    feed = directory.watch(user_id, news)
    try:
        while (shown := await _version(directory, user_id)) < version:
            left = deadline - loop.time()
            if left <= 0 or waits.over.is_set():
                raise _not_yet(shown, version)
            await waits.until(news.event, left)
            news.event.clear()
    finally:
        feed.close()


class _News:
    """Hears that there may be a later version."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def changed(self, change: Change) -> None:
        self.event.set()

    def lost(self) -> None:
        self.event.set()


async def _version(directory: UserDirectory, user_id: str) -> int:
    try:
        [reply] = await directory.ask([Read(user_id, View.PROGRESSION, "", Media.MSGPACK)])
    except DeliveryError as error:
        raise undelivered(error) from error
    if reply.code:
        raise refusal(reply)
    shown = Position.parse(reply.position)
    return 0 if shown is None else shown.version


def _not_yet(shown: int, version: int) -> Problem:
    return Problem(
        "outcome_unknown",
        f"min_version is {version}, and the user is at version {shown}, also "
        f"{VERSION_SECONDS:g} s later: whatever writes that version may not have happened",
    )
