"""One user on one connection: their changes and the answers to commands, in the order promised.

Versions rise by one; answers come in the order of the commands; a reply stands among the changes at
its version and is the change of it, so that version comes no second time.

Not for: asking (`commands`), or how much may wait (`connection`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol

from actors.cluster.contract import UserDirectory
from actors.errors import DeliveryError
from actors.feeds.changes import Change, WholeState
from actors.feeds.subscription import Subscription
from actors.messages import ReadChanges, Reply
from domain.state.position import Position
from gateway.api.changes.frames import caught_up_frame, changes_frame, state_rows
from gateway.api.media import with_first
from gateway.live.opening import Wish
from gateway.live.server_frames import as_replayed, head_of, problem_frame, reply_frame
from gateway.problems import Problem

HEARD_MAX = 256
"""Changes that wait for a client who does not read; beyond it they are read again later."""


class Sink(Protocol):
    """Where a line's frames go."""

    paused: bool
    """The client does not read: nothing more is to be put."""

    def put(self, frame: bytes) -> None:
        """Send a frame, with everything else of this moment."""
        ...

    def resumed(self, how: str) -> None:
        """A client who knew a position was told what they missed: `changes`, or why not."""
        ...

    def failed(self, line: "UserLine", error: DeliveryError) -> None:
        """The user cannot be read now."""
        ...

    def broke(self, error: Exception) -> None:
        """A bug: this connection ends."""
        ...


def _guarded(told: Callable[..., None]) -> Callable[..., None]:
    """A bug in one line ends its connection, and costs those who share the feed nothing."""

    @wraps(told)
    def guarded(self: "UserLine", argument: Any) -> None:
        try:
            told(self, argument)
        except Exception as error:
            self._sink.broke(error)

    return guarded


class Sent:
    """A command that was sent, and what became of it: None while nobody knows.

    Attributes:
        past: the outcome is of another line of versions than the one that is shown now.
    """

    __slots__ = ("command_id", "outcome", "past")

    def __init__(self, command_id: str, outcome: Reply | Problem | None = None) -> None:
        self.command_id = command_id
        self.outcome = outcome
        self.past = False


class UserLine:
    """The way of one user's frames to one connection.

    Attributes:
        shown: the position that the client knows; None while they know nothing.
        unanswered: commands whose answers were not sent yet, in order.
    """

    __slots__ = (
        "_caught_up",
        "_directory",
        "_heard",
        "_resuming",
        "_sink",
        "_subscription",
        "_wish",
        "shown",
        "unanswered",
        "user_id",
        "watched",
    )

    def __init__(self, user_id: str, wish: Wish, directory: UserDirectory, sink: Sink) -> None:
        self.user_id = user_id
        self.shown: Position | None = None
        self.watched = False
        # Lists: an empty deque takes 0.7 KiB, and quiet connections are many.
        self.unanswered: list[Sent] = []
        self._wish = wish
        self._directory = directory
        self._sink = sink
        self._heard: list[Change] = []
        self._subscription: Subscription | None = None
        self._caught_up = False
        self._resuming = False  # they know a position, and were not told yet what they missed

    @property
    def _named(self) -> str | None:
        """The user id, where frames have to name it; a command may have named nobody."""
        return None if self._wish.only is not None else self.user_id or None

    def watch(self, after: Position | None) -> None:
        """Show the user from this position on."""
        self.watched = True
        self.shown = after
        self.subscribe()

    def subscribe(self) -> None:
        """Go on from what is shown, after the subscription ended or was never begun."""
        self.close()
        self._resuming = self.shown is not None
        wish = self._wish
        request = ReadChanges(
            self.user_id, self.shown, wish.media, wish.unsettled, state_rows(wish.shown)
        )
        self._subscription = Subscription(self._directory, request, self)

    def unwatch(self) -> None:
        """Show the user no longer; answers still come."""
        self.watched = False
        self.shown = None
        self.close()
        self.pump()

    def close(self) -> None:
        """Hear nothing more."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._heard.clear()
        self._caught_up = False

    @property
    def suspended(self) -> bool:
        """What the client did not read in time has to be read again."""
        return self.watched and self._subscription is None

    # -- the subscription's side -------------------------------------------------------------------

    @_guarded
    def state(self, state: WholeState) -> None:
        """See `Subscriber`."""
        if self._resuming or self._caught_up:
            self._sink.resumed(state.why)
        if self.shown is not None and self.shown.era != state.position.era:
            for sent in self.unanswered:
                sent.past = sent.outcome is not None
        self._heard.clear()
        self._resuming = self._caught_up = False
        self.shown = state.position
        self._put(state.frame)

    @_guarded
    def changed(self, change: Change) -> None:
        """See `Subscriber`."""
        self._heard.append(change)
        if not self._sink.paused:
            self.pump()
        elif len(self._heard) > HEARD_MAX:
            self.close()

    @_guarded
    def caught_up(self, position: Position) -> None:
        """See `Subscriber`."""
        if self._resuming:
            self._sink.resumed("changes")
        self._resuming, self._caught_up = False, True
        self.shown = position
        self._put(caught_up_frame(position.version, self._wish.media))
        self.pump()

    def failed(self, error: DeliveryError) -> None:
        """See `Subscriber`."""
        self._subscription = None
        self._sink.failed(self, error)

    # -- the order ---------------------------------------------------------------------------------

    def pump(self) -> None:
        """Send whatever is in its turn."""
        while not self._sink.paused and (self._answer_next() or self._show_next()):
            pass

    def _answer_next(self) -> bool:
        """Send the first answer if it is its turn."""
        if not self.unanswered or (self.watched and not self._caught_up):
            return False
        outcome = self.unanswered[0].outcome
        if outcome is None:
            return False
        if isinstance(outcome, Problem):
            self._sink.put(problem_frame(outcome, self._named, self._wish.media))
        elif not self._reply(outcome):
            return False
        del self.unanswered[0]
        return True

    def _reply(self, reply: Reply) -> bool:
        """Send a reply, unless changes before its own have to come first."""
        body, media = reply.body, self._wish.media
        if self.shown is not None:
            head = head_of(reply, media)
            past = self.unanswered[0].past
            if head.version > self.shown.version and not past:
                # Only one that has its rows can stand for the change; others come behind it.
                if not (head.changed and self._heard and self._heard[0].version == head.version):
                    return False
                self.shown = self._heard.pop(0).position
            elif head.may_have_changed or head.version != self.shown.version:
                # Clients are not to apply it: its version was shown, or is of another line.
                body = as_replayed(body, media)
        self._sink.put(reply_frame(body, media))
        return True

    def _show_next(self) -> bool:
        """Send the next change, unless it is to come as the reply to a command of this client.

        A reply that is known and still not in its turn waits for this change, whose ever it is.
        """
        if not self._heard:
            return False
        change = self._heard[0]
        awaited = self._caught_up and self.unanswered and self.unanswered[0].outcome is None
        if awaited and any(one.command_id == change.command_id for one in self.unanswered):
            return False
        del self._heard[0]
        self.shown = change.position
        self._put(self._frame_of(change))
        return True

    def _frame_of(self, change: Change) -> bytes:
        return changes_frame(change, self._wish.shown, self._wish.media)

    def _put(self, frame: bytes) -> None:
        if self._named is not None:
            frame = with_first(frame, {"user_id": self.user_id}, self._wish.media)
        self._sink.put(frame)
