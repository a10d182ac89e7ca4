"""Feeds: the changes of watched users as they arrive in a gateway, each handed to all listeners.

A user is watched once, however many listeners there are.  A feed has no memory: whoever listens
reads what was missed first, and again whenever something may have been (`subscription` does both).

Not for: getting changes here (`actors.transport`, `actors.cluster`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import structlog

from actors.feeds.changes import Change

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Whoever wants to hear of one user's changes."""

    def changed(self, change: Change) -> None:
        """This has become durable, and is the next one unless `lost` was called before."""
        ...

    def lost(self) -> None:
        """Changes may have been missed: the connection broke, the host died, moved or drained.

        Read the missed changes again, from where this listener is; the feed goes on meanwhile.
        """
        ...


READS_AT_ONCE = 1_000
"""Of what was missed, in one host: when a host died, everybody who is watched is read anew."""


class Feed:
    """One listener's place at one user's changes, until it is closed.

    Attributes:
        reads: to be held while what was missed is read.
    """

    __slots__ = ("_feeds", "_user_id", "listener")

    def __init__(self, feeds: "Feeds", user_id: str, listener: Listener) -> None:
        self._feeds = feeds
        self._user_id = user_id
        self.listener: Listener | None = listener

    @property
    def reads(self) -> asyncio.Semaphore:
        """See above."""
        return self._feeds.reads

    def close(self) -> None:
        """Hear no more; a second time changes nothing."""
        if self.listener is not None:
            self.listener = None  # it may refer to this feed
            self._feeds.remove(self._user_id, self)

    def continue_in(self, feeds: "Feeds") -> None:
        """Hear of the user from another host's feeds on."""
        self._feeds = feeds


class Feeds:
    """The listeners of one gateway to the users of one host, or of all.

    Args:
        begin, end: called with a user who has the first listener, or none any more.
    """

    def __init__(self, begin: Callable[[str], None], end: Callable[[str], None]) -> None:
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self._begin = begin
        self._end = end
        self._feeds: dict[str, list[Feed]] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._feeds

    def __iter__(self) -> Iterator[str]:
        return iter(self._feeds)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """Have `listener` hear of the user's changes."""
        feed = Feed(self, user_id, listener)
        self._add(user_id, [feed])
        return feed

    def _add(self, user_id: str, feeds: list[Feed]) -> None:
        known = self._feeds.get(user_id)
        if known is None:
            self._feeds[user_id] = feeds
            self._begin(user_id)
        else:
            known += feeds

    def remove(self, user_id: str, feed: Feed) -> None:
        """Have this one hear no more of the user."""
        feeds = self._feeds.get(user_id, [])
        if feed in feeds:
            feeds.remove(feed)
            if not feeds:
                del self._feeds[user_id]
                self._end(user_id)

    def continue_in(self, other: "Feeds", user_id: str) -> None:
        """Have whoever listens to the user hear of them from another host on, which has them now.

        Changes may be missing between the two, as they are told.
        """
        feeds = self._feeds.pop(user_id)
        self._end(user_id)
        for feed in feeds:
            feed.continue_in(other)
        other._add(user_id, feeds)
        other.lost([user_id])

    def changed(self, records: Iterable[bytes]) -> None:
        """Hand out journal records of watched users; those of others are dropped."""
        for record in records:
            change = Change.of_record(record)
            for listener in self._listeners(change.user_id):
                try:
                    listener.changed(change)
                except Exception:  # a bug of one listener, which costs the others nothing
                    log.exception("a change was not handed on")

    def lost(self, user_ids: Iterable[str] | None = None) -> None:
        """Changes of these users may have been missed; without names, of all of them."""
        for user_id in list(self._feeds if user_ids is None else user_ids):
            for listener in self._listeners(user_id):
                try:
                    listener.lost()
                except Exception:
                    log.exception("a listener was not told that changes may be missing")

    def _listeners(self, user_id: str) -> list[Listener]:
        feeds = self._feeds.get(user_id, ())
        return [feed.listener for feed in feeds if feed.listener is not None]
