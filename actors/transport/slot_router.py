"""Slot router: a gateway's requests on their way to whoever has the user's slot by now.

Each request goes to the host that the slot table names.  One that arrives at another host comes
back (`Reply.moved`); it waits here, with all others of that slot, until the slot has a host that
takes it, and nobody who asked sees any of that.  What one gateway sends for a user stays in order
over a move.

Whoever listens to a user goes along, and reads what was missed in between.

Not for: where a host is (`socket_channel`), or moving slots (`actors.slots`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Protocol

from msgspec import Struct

from actors.errors import AskAgain, HostGone, Moved, UserUnavailable
from actors.feeds.feed import Feed, Feeds, Listener
from actors.messages import Reply, Request, not_mine
from persistence.slot_table import SlotTable

LOOK_SECONDS = 0.02
"""How often what waits for its slot is tried again."""
REFUSALS_MAX = 25
"""A host that has so often not had what the table gives it may be a stale one: it is looked for."""


class HostChannel(Protocol):
    """The way to one host; see `SocketChannel`."""

    @property
    def feeds(self) -> Feeds:
        """Who listens to users of this host."""
        ...

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """The replies; sent before anything else has its turn."""
        ...

    def send(
        self, requests: Sequence[Request], timeout_seconds: float
    ) -> asyncio.Future[list[Reply]]:
        """The replies to come; sent in the order of the calls."""
        ...

    def on_their_way(self, of: Callable[[str], bool]) -> list[asyncio.Future[list[Reply]]]:
        """The replies to come that any of these users waits for."""
        ...

    def find_again(self) -> None:
        """Look where the host is now: another may have taken its place unseen."""
        ...


class _Waiting(Struct, eq=False):
    """Requests of one slot that no host has taken yet; `number` says how early they were asked."""

    number: int
    requests: list[Request]
    deadline: float
    replies: asyncio.Future[list[Reply]]
    refusals: int = 0


_Place = tuple[list[int], asyncio.Future[list[Reply]]]
"""The places of requests of one slot among those of one caller, and their replies to come."""


class SlotRouter:
    """The channels of one gateway, by host.

    Args:
        channel: makes the channel to a host.
        newest: the slot table as the server knows it; raises `HostGone` to be asked again.
    """

    def __init__(
        self,
        table: SlotTable,
        channel: Callable[[str], HostChannel],
        newest: Callable[[], Awaitable[SlotTable]],
    ) -> None:
        self._table = table
        self._make_channel = channel
        self._newest = newest
        self._channels: dict[str, HostChannel] = {}
        self._waiting: dict[int, list[_Waiting]] = {}
        self._elders: dict[int, list[asyncio.Future[list[Reply]]]] = {}
        self._settling: asyncio.Task[None] | None = None
        self._last_number = 0
        self.host_of = table.host_of

    @property
    def channels(self) -> Iterable[HostChannel]:
        """Those that have been used."""
        return self._channels.values()

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """See `UserDirectory.ask`."""
        self._last_number += 1
        number = self._last_number
        if self._waiting:
            slot_of, waiting = self._table.slot_of, self._waiting
            behind = [slot_of(request.user_id) in waiting for request in requests]
            if any(behind):
                return await self._ask_behind(number, requests, behind, timeout_seconds)
        try:
            channel = self.channel_of(self.host_of(requests[0].user_id))
            replies = await channel.ask(requests, timeout_seconds)
        except Moved:
            replies = [not_mine()] * len(requests)
        if any(reply.moved for reply in replies):
            return await self._ask_again(number, requests, replies, timeout_seconds)
        return replies

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self.channel_of(self.host_of(user_id)).feeds.watch(user_id, listener)

    def channel_of(self, host: str) -> HostChannel:
        """The way to a host."""
        channel = self._channels.get(host)
        if channel is None:
            channel = self._channels[host] = self._make_channel(host)
        return channel

    def learn(self, table: SlotTable) -> None:
        """Send by this table from now on, unless a newer one is known."""
        if table.version <= self._table.version:
            return
        before, self._table, self.host_of = self._table.slots, table, table.host_of
        left = defaultdict[str, set[int]](set)
        for slot, (source, target) in enumerate(zip(before, table.slots, strict=True)):
            if source != target:
                left[source].add(slot)
        for source, slots in left.items():
            if source in self._channels:
                self._leave(self._channels[source], slots)

    def forget(self, host: str) -> None:
        """The host has ended; another may begin under its name."""
        self._channels.pop(host, None)

    def close(self) -> None:
        """Try nothing again."""
        if self._settling is not None:
            self._settling.cancel()

    def _leave(self, channel: HostChannel, slots: set[int]) -> None:
        """These slots are elsewhere: what comes next waits for what was sent here before."""
        slot_of = self._table.slot_of
        for slot in slots:
            # Held back also when there are none: one that has just come back is not here yet.
            elders = channel.on_their_way(partial(_is_in, slot_of, slot))
            self._elders.setdefault(slot, []).extend(elders)
            self._hold_back(slot)
        for user_id in list(channel.feeds):
            if slot_of(user_id) in slots:
                channel.feeds.continue_in(self.channel_of(self.host_of(user_id)).feeds, user_id)

    # -- what waits for its slot -----------------------------------------------------------------

    async def _ask_behind(
        self, number: int, requests: Sequence[Request], behind: list[bool], timeout_seconds: float
    ) -> list[Reply]:
        """The replies, where some go behind what waits for their slot, and the others at once."""
        moving = [request for request, waits in zip(requests, behind, strict=True) if waits]
        settled = [request for request, waits in zip(requests, behind, strict=True) if not waits]
        waiting = self._wait_all(number, moving, range(len(moving)), timeout_seconds)
        of_settled = iter(await self.ask(settled, timeout_seconds) if settled else ())
        taken = await _taken(waiting)
        of_moving = iter(taken[place] for place in range(len(moving)))
        return [next(of_moving if waits else of_settled) for waits in behind]

    async def _ask_again(
        self,
        number: int,
        requests: Sequence[Request],
        replies: list[Reply],
        timeout_seconds: float,
    ) -> list[Reply]:
        """The replies, those that had moved from whoever has the user by then."""
        moved = [place for place, reply in enumerate(replies) if reply.moved]
        taken = await _taken(self._wait_all(number, requests, moved, timeout_seconds))
        return [taken.get(place, reply) for place, reply in enumerate(replies)]

    def _wait_all(
        self,
        number: int,
        requests: Sequence[Request],
        places: Iterable[int],
        timeout_seconds: float,
    ) -> list[_Place]:
        """Have the requests at these places wait for their slots, from this moment on."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        by_slot = defaultdict[int, list[int]](list)
        for place in places:
            by_slot[self._table.slot_of(requests[place].user_id)].append(place)
        return [
            (places, self._wait(slot, number, [requests[place] for place in places], deadline))
            for slot, places in by_slot.items()
        ]

    def _wait(
        self, slot: int, number: int, requests: list[Request], deadline: float
    ) -> asyncio.Future[list[Reply]]:
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._hold_back(slot).append(_Waiting(number, requests, deadline, replies))
        return replies

    def _hold_back(self, slot: int) -> list[_Waiting]:
        if self._settling is None:
            self._settling = asyncio.get_running_loop().create_task(self._settle())
        return self._waiting.setdefault(slot, [])

    async def _settle(self) -> None:
        """Send what waits to whoever has its slot, until nothing waits."""
        try:
            while self._waiting:
                with suppress(HostGone, AskAgain):
                    self.learn(await self._newest())
                for slot in list(self._waiting):
                    self._send_waiting(slot)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._settling = None

    def _send_waiting(self, slot: int) -> None:
        """Send what waits for this slot, in the order of its asking, behind all that was sent."""
        now = asyncio.get_running_loop().time()
        for waiting in self._waiting[slot]:
            if waiting.deadline < now and not waiting.replies.done():
                waiting.replies.set_exception(UserUnavailable("no host took the user in time"))
        elders = self._elders.pop(slot, None)
        if elders is not None:  # one look more: whoever waits for one that is done comes here first
            left = [elder for elder in elders if not elder.done()]
            if left:
                self._elders[slot] = left
            return
        channel = self.channel_of(self._table.slots[slot])
        for waiting in sorted(self._waiting.pop(slot), key=attrgetter("number")):
            if waiting.replies.done():
                continue
            try:
                sent = channel.send(waiting.requests, waiting.deadline - now)
            except AskAgain as error:
                waiting.replies.set_exception(error)
                continue
            sent.add_done_callback(partial(self._sent, slot, waiting))

    def _sent(self, slot: int, waiting: _Waiting, sent: asyncio.Future[list[Reply]]) -> None:
        if waiting.replies.done() or sent.cancelled():
            return
        error = sent.exception()
        if isinstance(error, Moved) or (
            error is None and any(reply.moved for reply in sent.result())
        ):
            self._hold_back(slot).append(waiting)
            waiting.refusals += 1
            if waiting.refusals % REFUSALS_MAX == 0:
                self.channel_of(self._table.slots[slot]).find_again()
        elif error is not None:
            waiting.replies.set_exception(error)
        else:
            waiting.replies.set_result(sent.result())


def _is_in(slot_of: Callable[[str], int], slot: int, user_id: str) -> bool:
    return slot_of(user_id) == slot


async def _taken(waiting: list[_Place]) -> dict[int, Reply]:
    """The replies, by the places of their requests."""
    replies = await asyncio.gather(*(replies for _, replies in waiting))
    taken: dict[int, Reply] = {}
    for (places, _), of_slot in zip(waiting, replies, strict=True):
        taken.update(zip(places, of_slot, strict=True))
    return taken
