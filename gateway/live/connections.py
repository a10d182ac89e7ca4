"""All live connections of one gateway: their limits, and who makes room for whom.

Not for: one of them (`connection`).
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import uuid4

from actors.cluster.contract import UserDirectory
from actors.messages import Media
from gateway.api.changes.connection_frames import ConnectionLimits, TickFrame
from gateway.auth.authenticator import Caller, Role
from gateway.live.close_codes import Close, CloseCode
from gateway.live.commands import CommandServices
from gateway.live.opening import Wish
from gateway.live.server_frames import now_micros, written
from gateway.live.websocket import heartbeat
from gateway.metrics.counters import LiveCounts
from gateway.problems import Problem

PING_MS = 20_000
PER_USER_MAX = 8
WATCHED_MAX = 50_000
PLAYER_FRAME_BYTES, SERVICE_FRAME_BYTES = 64 * 1024, 1024 * 1024
PLAYER_LIST, SERVICE_LIST = 100, 1_000
PLAYER_UNANSWERED, SERVICE_UNANSWERED = 64, 4_096
MOVES_PER_SECOND = 1_000
"""So many clients come back to the next server in a second."""
RULES_SECONDS = 1.0
"""How often it is looked whether other rules are in force."""
RETRY_AFTER_MS = 5_000

ABNORMAL, OTHER = 1006, 0
"""Closed without a word; and with a code of the client's own."""
COUNTED = frozenset({1000, 1002, ABNORMAL, *CloseCode})

Authenticate = Callable[[bytes | None], Awaitable[Caller]]


class Open(Protocol):
    """One of the connections."""

    wish: Wish

    def close(self, close: Close) -> None:
        """Say goodbye."""
        ...

    def end(self) -> None:
        """Say goodbye because the server ends."""
        ...

    def look_again(self) -> None:
        """See to deadlines, and to the rules, as soon as may be."""
        ...


class LiveConnections:
    """The live connections of one gateway.

    Attributes:
        closes: how many ended with each code.
    """

    def __init__(
        self,
        directory: UserDirectory,
        services: CommandServices,
        authenticate: Authenticate,
        rules_in_force: Callable[[], str],
        *,
        connections_max: int,
        receipts: int,
    ) -> None:
        self.directory = directory
        self.services = services
        self.authenticate = authenticate
        self.rules_in_force = rules_in_force
        self.ping_ms = PING_MS
        self.closes: Counter[int] = Counter()
        self._connections_max = connections_max
        self._all: set[Open] = set()
        # Of players, the oldest first.
        self._of_player: dict[str, list[Open]] = {}
        self._of_session: dict[tuple[str, str, str], Open] = {}
        self._rules = ""
        self._rules_timer: asyncio.TimerHandle | None = None
        self._heartbeats: dict[Media, bytes] = {}
        self._heartbeats_at = 0.0
        self._moving_ms = 0
        self._dice = random.Random()
        limits = {"watched": WATCHED_MAX, "receipts": receipts}
        self._player_limits = ConnectionLimits(
            PLAYER_FRAME_BYTES, PLAYER_LIST, PLAYER_UNANSWERED, **limits
        )
        self._service_limits = ConnectionLimits(
            SERVICE_FRAME_BYTES, SERVICE_LIST, SERVICE_UNANSWERED, **limits
        )

    def __len__(self) -> int:
        return len(self._all)

    def check_room(self) -> None:
        """Return if there is room for one more.

        Raises:
            Problem: `overloaded`.
        """
        if len(self._all) >= self._connections_max:
            detail = f"{len(self._all)} live connections are all that this gateway has room for"
            raise Problem("overloaded", detail, retry_after_ms=RETRY_AFTER_MS)

    def limits_of(self, caller: Caller) -> ConnectionLimits:
        """What one connection of this caller takes."""
        return self._player_limits if caller.role is Role.PLAYER else self._service_limits

    def opened(self, connection: Open) -> None:
        """A connection has its socket; those that it displaces are closed."""
        self._all.add(connection)
        if self._rules_timer is None:
            self._rules = self.rules_in_force()
            self._look_at_rules()
        wish = connection.wish
        if wish.session:
            key = _session(wish)
            if (old := self._of_session.get(key)) is not None:
                self._forget_of_player(old)  # it is not to cost another device its place
                old.close(Close(CloseCode.DISPLACED, "another connection of this session"))
            self._of_session[key] = connection
        if wish.caller.role is Role.PLAYER:
            of_player = self._of_player.setdefault(wish.caller.sub, [])
            of_player.append(connection)
            if len(of_player) > PER_USER_MAX:
                of_player.pop(0).close(Close(CloseCode.DISPLACED, "a newer connection"))

    def closed(self, connection: Open, close: Close | None) -> None:
        """A connection has lost its socket."""
        self._all.discard(connection)
        code = ABNORMAL if close is None else close.code
        self.closes[code if code in COUNTED else OTHER] += 1
        wish = connection.wish
        if wish.session and self._of_session.get(_session(wish)) is connection:
            del self._of_session[_session(wish)]
        self._forget_of_player(connection)

    def counts(self) -> LiveCounts:
        """What they have come to, for metrics."""
        return LiveCounts(len(self._all), dict(self.closes), dict(self.services.metrics.resumes))

    def count_resume(self, how: str) -> None:
        """A client who knew a position was told what they missed."""
        self.services.metrics.resumes[how] += 1

    def drain(self) -> None:
        """Send everybody elsewhere: the server goes down."""
        for connection in list(self._all):
            connection.end()

    def ping_seconds(self) -> float:
        """After how much silence of ours one connection is pinged; within a tenth."""
        return self.ping_ms / 1_000 * self._dice.uniform(0.9, 1.0)

    def heartbeat(self, media: Media, now: float) -> bytes:
        """What is sent to a quiet client: encoded once for all that are looked at together."""
        if now != self._heartbeats_at:
            self._heartbeats_at = now
            self._heartbeats.clear()
        if media not in self._heartbeats:
            tick = written(TickFrame(now_micros()), media)
            self._heartbeats[media] = heartbeat(tick, text=media is Media.JSON)
        return self._heartbeats[media]

    def next_moment_ms(self) -> int:
        """When the next of those who are sent away is to come back: not all at once."""
        self._moving_ms += 1
        return self._moving_ms * 1_000 // MOVES_PER_SECOND

    def new_name(self) -> str:
        """What one connection is called in logs."""
        return uuid4().hex[:12]

    def _look_at_rules(self) -> None:
        rules, self._rules = self._rules, self.rules_in_force()
        if rules != self._rules:
            for connection in self._all:
                connection.look_again()
        later = asyncio.get_running_loop().call_later
        self._rules_timer = later(RULES_SECONDS, self._look_at_rules) if self._all else None

    def _forget_of_player(self, connection: Open) -> None:
        player = connection.wish.caller.sub
        of_player = self._of_player.get(player, [])
        if connection in of_player:
            of_player.remove(connection)
            if not of_player:
                del self._of_player[player]


def _session(wish: Wish) -> tuple[str, str, str]:
    return wish.caller.role, wish.caller.sub, wish.session
