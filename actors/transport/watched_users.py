"""The users that a gateway watches over one channel, and what it has told the host of them.

Every connection begins with telling the host all of them.  Then whoever listens to a user that was
watched over an earlier one is told that changes may be missing, and reads them behind that.

Not for: connecting (`socket_channel`), or who listens (`actors.feeds`).
"""

import asyncio
from collections.abc import Callable, Iterator

from actors.feeds.feed import Feeds
from actors.transport.frames import WATCHING, DurableRecords, ReadAnew, Watching, frame

USERS_AT_ONCE = 10_000
"""Users in one frame, whose ids have 128 characters at most."""


class WatchedUsers:
    """Which users are watched, and which of them the host does not know of yet.

    Attributes:
        feeds: their listeners.

    Args:
        on_change: called when there is something to tell the host; with True if it is worth a
            connection, where there is none.
    """

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self.feeds = Feeds(self._begin, self._end)
        self._on_change = on_change
        self._unsent: dict[str, bool] = {}

    def _begin(self, user_id: str) -> None:
        self._change(user_id, begin=True)

    def _end(self, user_id: str) -> None:
        self._change(user_id, begin=False)

    def _change(self, user_id: str, begin: bool) -> None:
        first = not self._unsent
        self._unsent[user_id] = begin
        if first or begin:
            self._on_change(begin)

    def unsent(self) -> Iterator[bytearray]:
        """Frames with what the host does not know yet; it is told with them."""
        if not self._unsent:
            return
        changed, self._unsent = self._unsent, {}
        for begin in (False, True):
            yield from _frames([user for user in changed if changed[user] is begin], begin)

    def connected(self, send: Callable[[bytearray], None]) -> None:
        """Tell a new connection of all of them, and soon their listeners that changes may be
        missing: those that the host knew of before."""
        known = [user for user in self.feeds if user not in self._unsent]
        self._unsent.clear()
        for whole in _frames(list(self.feeds), begin=True):
            send(whole)
        if known:
            asyncio.get_running_loop().call_soon(self.feeds.lost, known)

    def received(self, message: DurableRecords | ReadAnew) -> None:
        """What the host says of them."""
        if isinstance(message, DurableRecords):
            self.feeds.changed(message.records)
        else:
            self.feeds.lost()


def _frames(users: list[str], begin: bool) -> Iterator[bytearray]:
    for at in range(0, len(users), USERS_AT_ONCE):
        yield frame([(WATCHING, [Watching(users[at : at + USERS_AT_ONCE], begin)])])
