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

    __slots__ = ("_feeds", "_listener", "_user_id", "reads")

    def __init__(self, feeds: "Feeds", user_id: str, listener: Listener) -> None:
        self.reads = feeds.reads
        self._feeds = feeds
        self._user_id = user_id
        self._listener: Listener | None = listener

    def close(self) -> None:
        """Hear no more; a second time changes nothing."""
        listener, self._listener = self._listener, None  # it may refer to this feed
        if listener is not None:
            self._feeds.remove(self._user_id, listener)


class Feeds:
    """The listeners of one gateway to the users of one host, or of all.

    Args:
        begin, end: called with a user who has the first listener, or none any more.
    """

    def __init__(self, begin: Callable[[str], None], end: Callable[[str], None]) -> None:
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self._begin = begin
        self._end = end
        self._listeners: dict[str, list[Listener]] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._listeners

    def __iter__(self) -> Iterator[str]:
        return iter(self._listeners)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """Have `listener` hear of the user's changes."""
        listeners = self._listeners.get(user_id)
        if listeners is None:
            self._listeners[user_id] = [listener]
            self._begin(user_id)
        else:
            listeners.append(listener)
        return Feed(self, user_id, listener)

    def remove(self, user_id: str, listener: Listener) -> None:
        """Have this listener hear no more of the user."""
        listeners = self._listeners.get(user_id, [])
        if listener in listeners:
            listeners.remove(listener)
            if not listeners:
                del self._listeners[user_id]
                self._end(user_id)

    def changed(self, records: Iterable[bytes]) -> None:
        """Hand out journal records of watched users; those of others are dropped."""
        for record in records:
            change = Change.of_record(record)
            for listener in list(self._listeners.get(change.user_id, ())):
                try:
                    listener.changed(change)
                except Exception:  # a bug of one listener, which costs the others nothing
                    log.exception("a change was not handed on")

    def lost(self, user_ids: Iterable[str] | None = None) -> None:
        """Changes of these users may have been missed; without names, of all of them."""
        for user_id in list(self._listeners if user_ids is None else user_ids):
            for listener in list(self._listeners.get(user_id, ())):
                try:
                    listener.lost()
                except Exception:
                    log.exception("a listener was not told that changes may be missing")
