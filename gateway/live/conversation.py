"""What is said on one live connection: what each frame of a client does, user by user.

Not for: bytes, deadlines and pressure (`connection`), or one user's order (`user_line`).
"""

import asyncio
from typing import Protocol

from msgspec import Struct

from actors.background_tasks import BackgroundTasks
from domain.state.position import Position
from gateway.api.changes.connection_frames import (
    ConnectionLimits,
    RulesFrame,
    TickFrame,
    TokenAcceptedFrame,
    WelcomeFrame,
)
from gateway.api.commands.typed_bodies import read_typed_body
from gateway.auth.authenticator import Caller
from gateway.live.client_frames import CONTROL, Frame, NotAFrame, read_message, watched_in
from gateway.live.close_codes import RETRY_AFTER_MS, Close, CloseCode, close_of, wait
from gateway.live.commands import Commands
from gateway.live.connections import LiveConnections
from gateway.live.liveness import Liveness
from gateway.live.opening import Wish
from gateway.live.server_frames import micros, now_micros, written
from gateway.live.user_line import Sink, UserLine
from gateway.problems import Problem

RETRY_SECONDS = 1.0
"""How long after a watched user could not be read that is tried again."""


class Connection(Sink, Protocol):
    """What a conversation needs of its connection."""

    wish: Wish
    liveness: Liveness

    def close(self, close: Close) -> None:
        """Say goodbye, after whatever is ready."""
        ...

    def look_again(self) -> None:
        """See to deadlines as soon as may be: the token is another one."""
        ...

    def read_or_not(self) -> None:
        """The number of unanswered commands has changed."""
        ...


class Conversation:
    """The frames of one client, and what comes of them."""

    __slots__ = (
        "_commands",
        "_connection",
        "_ended",
        "_form",
        "_gateway",
        "_limits",
        "_lines",
        "_rules",
        "_tasks",
        "_watched",
        "_wish",
    )

    def __init__(
        self, connection: Connection, gateway: LiveConnections, limits: ConnectionLimits
    ) -> None:
        self._connection = connection
        self._gateway = gateway
        self._limits = limits
        self._wish = connection.wish
        self._form = connection.wish.form
        self._lines: dict[str, UserLine] = {}
        self._watched = 0
        self._tasks = BackgroundTasks(failed=connection.broke)
        self._commands = Commands(gateway.services, self._wish, self, self._tasks)
        self._rules = gateway.rules_in_force()
        self._ended = False

    @property
    def unanswered(self) -> int:
        """How many commands wait for what becomes of them."""
        return self._commands.unanswered

    def begin(self) -> None:
        """Welcome the client, and show the only user."""
        wish = self._wish
        welcome = WelcomeFrame(
            connection=self._gateway.new_name(),
            now=now_micros(),
            role=str(wish.caller.role),
            rules=self._rules,
            ping_ms=self._gateway.ping_ms,
            token_expires_at=micros(wish.caller.expires_at),
            limits=self._limits,
        )
        self._put(welcome)
        if wish.only is not None:
            self._watch(wish.only, wish.after)

    def take(self, message: bytes) -> None:
        """The frames of one message, in order.

        Raises:
            NotAFrame: one of them ends the connection.
        """
        wish = self._wish
        typed = read_typed_body(message, wish.media, self._form, wish.caller, wish.only)
        if typed is not None and 0 < len(typed.asks) <= self._limits.list:
            self._commands.take(typed.asks)
            return
        commands: list[Frame] = []
        for frame in read_message(message, wish.media, self._limits.list):
            if frame.get("type") in CONTROL:
                self._take_commands(commands)
                commands = []
                self._control(frame)
            else:
                commands.append(frame)
        self._take_commands(commands)

    def go_on(self) -> None:
        """The client reads again: what it missed meanwhile is read again, too."""
        for line in list(self._lines.values()):
            if line.suspended:
                line.subscribe()
            line.pump()
            self._forget(line)

    def try_again(self, line: UserLine) -> None:
        """The user could not be read: read them in a while."""
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self._resubscribe, line)

    def show_rules(self) -> None:
        """Tell of other rules, if there are."""
        rules = self._gateway.rules_in_force()
        if rules != self._rules:
            self._rules = rules
            self._put(RulesFrame(rules))

    def end(self) -> None:
        """Nothing more is said; what was asked is carried out all the same."""
        self._ended = True
        self._commands.close()
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _take_commands(self, frames: list[Frame]) -> None:
        if frames:
            self._commands.take(frames)

    def _control(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "tick":
            self._put(TickFrame(now_micros()))
        elif kind == "token":
            self._tasks.spawn(self._renew(frame["token"]))
        elif self._wish.only is not None:
            raise NotAFrame(CloseCode.NO_FRAME, f"{kind} is for connections of many users")
        elif kind == "watch":
            for user_id, after in watched_in(frame):
                self._watch(user_id, after)
        else:
            for user_id, _ in watched_in(frame):
                self._unwatch(user_id)

    def _watch(self, user_id: str, after: Position | None) -> None:
        line = self.line_of(user_id)
        if not line.watched:
            self._watched += 1
            if self._watched > self._limits.watched:
                close = wait(CloseCode.TOO_MANY, RETRY_AFTER_MS)
                raise NotAFrame(CloseCode.TOO_MANY, close.reason)
        line.watch(after)

    def _unwatch(self, user_id: str) -> None:
        line = self._lines.get(user_id)
        if line is not None and line.watched:
            self._watched -= 1
            line.unwatch()
            self._forget(line)

    async def _renew(self, token: object) -> None:
        try:
            bearer = b"Bearer " + token.encode() if isinstance(token, str) else None
            caller = await self._gateway.authenticate(bearer)
            self._check_successor(caller)
        except Problem as problem:
            self._connection.close(Close(CloseCode.TOKEN, close_of(problem).reason))
            return
        self._connection.liveness.renew(caller)
        self._connection.look_again()
        self._put(TokenAcceptedFrame(micros(caller.expires_at)))

    def _check_successor(self, caller: Caller) -> None:
        before = self._wish.caller
        if (caller.sub, caller.role) != (before.sub, before.role):
            raise Problem("unauthenticated", "The new token is of somebody else")
        if caller.expires_at <= self._connection.liveness.expires_at:
            raise Problem("unauthenticated", "The new token expires no later than the old one")

    def line_of(self, user_id: str) -> UserLine:
        """See `Lines`."""
        line = self._lines.get(user_id)
        if line is None:
            line = UserLine(user_id, self._wish, self._gateway.directory, self._connection)
            self._lines[user_id] = line
        return line

    def answered(self, line: UserLine) -> None:
        """See `Lines`."""
        line.pump()
        self._forget(line)
        self._connection.read_or_not()

    def _forget(self, line: UserLine) -> None:
        if not line.watched and not line.unanswered:
            self._lines.pop(line.user_id, None)

    def _resubscribe(self, line: UserLine) -> None:
        try:
            if self._lines.get(line.user_id) is line and line.suspended:
                line.subscribe()
        except Exception as error:
            self._connection.broke(error)

    def _put(self, frame: Struct) -> None:
        if not self._ended:
            self._connection.put(written(frame, self._wish.media))
