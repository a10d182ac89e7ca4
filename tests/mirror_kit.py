"""A mirror of one user: what a watcher knows, by the rules that clients apply frames by.

It takes nothing on trust: a version that is not the next one is a fault of whoever told it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from actors.errors import DeliveryError
from actors.feeds.changes import Change, WholeState
from actors.feeds.subscription import Directory, Subscription
from actors.messages import Media, Read, ReadChanges, View
from domain.state.position import Position

KEYS = {
    "chapter_progression": "chapter_id",
    "quest_record": "quest_id",
    "battle_state": "battle_id",
}
AMOUNTS = ("inventory", "wallet", "affinity")
PATIENCE_SECONDS = 30.0
TABLES = ("player_progression", *KEYS, *AMOUNTS)

Rows = dict[str, Any]


class Mirror:
    """Rows at a position.  `versions` has the rows at every version that was shown."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.rows: Rows = {}
        self.versions: dict[tuple[str, int], Rows] = {}
        self.whys: list[str] = []
        self.command_ids: list[str] = []

    def replace(self, position: Position, why: str, rows: Rows) -> None:
        """Everything is new."""
        self.position = position
        self.whys.append(why)
        self.rows = {table: rows[table] for table in TABLES}
        self._keep()

    def apply(self, position: Position, command_id: str, changes: Rows) -> None:
        """The next version."""
        assert self.position is not None, "changes without a state"
        assert self.position.precedes(position), f"{self.position} is followed by {position}"
        self.position = position
        self.command_ids.append(command_id)
        rows = dict(self.rows)
        rows["player_progression"] = changes.get("player_progression") or rows["player_progression"]
        for table, key in KEYS.items():
            by_id = {row[key]: row for row in rows[table]}
            by_id.update({row[key]: row for row in changes.get(table, ())})
            rows[table] = list(by_id.values())
        for table in AMOUNTS:
            amounts = {**rows[table], **changes.get(table, {})}
            rows[table] = {name: amount for name, amount in amounts.items() if amount}
        self.rows = rows
        self._keep()

    def _keep(self) -> None:
        assert self.position is not None
        self.versions[self.position.era, self.position.version] = self.rows


class Watcher:
    """A subscriber with a mirror, which can be cut off and resume."""

    def __init__(self, directory: Directory, user_id: str) -> None:
        self.mirror = Mirror()
        self.caught_up_at: list[Position] = []
        self.failures: list[DeliveryError] = []
        self.faults: list[AssertionError] = []
        self.user_id = user_id
        self.directory = directory
        self._subscription: Subscription | None = None
        self._told = asyncio.Event()

    def resume(self) -> None:
        """Subscribe from where the mirror is."""
        request = ReadChanges(self.user_id, self.mirror.position)
        self._subscription = Subscription(self.directory, request, self)

    def move_to(self, directory: Directory) -> None:
        """Look for the user elsewhere from now on."""
        self.cut()
        self.directory = directory

    def cut(self) -> None:
        """Hear nothing any more."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._told.set()

    def state(self, state: WholeState) -> None:
        with self._telling():
            frame = json.loads(state.frame)
            assert (frame["type"], frame["era"]) == ("state", state.position.era)
            assert (frame["version"], frame["why"]) == (state.position.version, state.why)
            self.mirror.replace(state.position, state.why, frame)

    def changed(self, change: Change) -> None:
        with self._telling():
            rows = json.loads(msgspec.json.encode(change.changes))
            self.mirror.apply(change.position, change.command_id, rows)

    def caught_up(self, position: Position) -> None:
        with self._telling():
            assert position == self.mirror.position
            self.caught_up_at.append(position)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Whoever tells is not to see what is wrong with it, and whoever waits is."""
        try:
            yield
        except AssertionError as fault:
            self.faults.append(fault)
        self._told.set()

    def failed(self, error: DeliveryError) -> None:
        self._subscription = None
        self.failures.append(error)
        self._told.set()

    async def until(self, condition: Callable[[], bool], seconds: float | None = 0) -> None:
        """Wait until it holds, looking whenever something was told; None waits for ever."""
        async with asyncio.timeout(PATIENCE_SECONDS if seconds == 0 else seconds):
            while not condition() and not self.faults:
                self._told.clear()
                await self._told.wait()
        self.check()

    def check(self) -> None:
        """Fail if it was ever told what cannot be."""
        for fault in self.faults:
            raise fault

    @property
    def subscribed(self) -> bool:
        """Whether it hears of changes."""
        return self._subscription is not None

    async def until_version(self, version: int) -> None:
        """Wait until this version, or a later one, was shown."""
        await self.until(lambda: self.version >= version)

    async def until_caught_up(self, times: int = 1) -> None:
        """Wait until so often nothing was missing."""
        await self.until(lambda: len(self.caught_up_at) >= times)

    @property
    def version(self) -> int:
        return -1 if self.mirror.position is None else self.mirror.position.version


async def rows_read(directory: Directory, user_id: str) -> Rows:
    """What a reader sees of the user now."""
    [reply] = await directory.ask([Read(user_id, View.USER, "", Media.JSON)])
    assert not reply.code, reply.detail
    body = json.loads(reply.body)
    return {table: body[table] for table in TABLES}
