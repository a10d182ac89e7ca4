"""Local channel: the way to a host in this process.

Not for: which host that is (`slot_router`).
"""

import asyncio
from collections.abc import Callable, Sequence

from actors.errors import OutcomeUnknown
from actors.feeds.feed import Feeds
from actors.host.host import Host
from actors.host.mailbox import PendingReplies
from actors.messages import Reply, Request


class LocalChannel:
    """The way to one host in this process.

    Attributes:
        feeds: who listens to users of it.
    """

    def __init__(self, host: Host) -> None:
        self.feeds = Feeds(self._begin_watch, self._end_watch)
        self._host = host
        self._watcher = _Watcher(self.feeds)

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """See `HostChannel.ask`."""
        return await _in_time(self._host.accept(requests), timeout_seconds)

    def send(
        self, requests: Sequence[Request], timeout_seconds: float
    ) -> asyncio.Future[list[Reply]]:
        """See `HostChannel.send`."""
        replies = self._host.accept(requests)
        return asyncio.get_running_loop().create_task(_in_time(replies, timeout_seconds))

    def on_their_way(self, of: Callable[[str], bool]) -> list[asyncio.Future[list[Reply]]]:
        """None ever is: whatever was asked has reached the host."""
        return []

    def find_again(self) -> None:
        """It is where it was."""

    def _begin_watch(self, user_id: str) -> None:
        self._host.watches.watch(user_id, self._watcher)

    def _end_watch(self, user_id: str) -> None:
        self._host.watches.unwatch(user_id, self._watcher)


async def _in_time(replies: PendingReplies, timeout_seconds: float) -> list[Reply]:
    try:
        async with asyncio.timeout(timeout_seconds):
            return await replies.replies()
    except TimeoutError:
        raise OutcomeUnknown(f"no reply within {timeout_seconds} s") from None


class _Watcher:
    """Hands a host's records on, after the commit that made them durable is dealt with."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def changed(self, records: list[bytes]) -> None:
        asyncio.get_running_loop().call_soon(self._feeds.changed, records)

    def read_anew(self) -> None:
        asyncio.get_running_loop().call_soon(self._feeds.lost)
