"""Watches: who hears of a user's turns as they become durable.

A watcher is a connection of a gateway, or whatever stands for one.  It gets the record of every
durable turn of the users it watches, in order, the bytes as they stand in the journal; never one
that is not durable.  When turns may have been missed it is told to read anew, and goes on watching:
from then on it hears of every turn again.

Not for: what was missed (`actors.user.missed_changes`).
"""

from collections.abc import Iterable
from typing import Protocol


class Watcher(Protocol):
    """Where the records of watched users go."""

    def changed(self, records: list[bytes]) -> None:
        """These have become durable, in this order."""
        ...

    def read_anew(self) -> None:
        """Any watched user may have changed unheard."""
        ...


class Watches:
    """The watchers of one host's users.

    Attributes:
        by_user: the watchers of each user who has any.
    """

    def __init__(self) -> None:
        self.by_user: dict[str, list[Watcher]] = {}

    def watch(self, user_id: str, watcher: Watcher) -> None:
        """Tell this watcher of the user's turns that become durable from now on."""
        watchers = self.by_user.setdefault(user_id, [])
        if watcher not in watchers:
            watchers.append(watcher)

    def unwatch(self, user_id: str, watcher: Watcher) -> None:
        """Tell it no more."""
        watchers = self.by_user.get(user_id, [])
        if watcher in watchers:
            watchers.remove(watcher)
            if not watchers:
                del self.by_user[user_id]

    def remove(self, watcher: Watcher) -> None:
        """It watches nobody any more."""
        for user_id in list(self.by_user):
            self.unwatch(user_id, watcher)

    def publish(self, turns: Iterable[tuple[str, bytes]]) -> None:
        """Give each watcher the records of its users among these, by user id, at once."""
        records: dict[Watcher, list[bytes]] = {}
        for user_id, record in turns:
            for watcher in self.by_user.get(user_id, ()):
                records.setdefault(watcher, []).append(record)
        for watcher, durable in records.items():
            watcher.changed(durable)

    def read_anew(self) -> None:
        """Turns may have been missed: the journal was lost, or another host wrote meanwhile."""
        for watcher in {each for watchers in self.by_user.values() for each in watchers}:
            watcher.read_anew()
