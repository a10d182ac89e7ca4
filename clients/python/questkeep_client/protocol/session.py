"""The protocol of one client over any number of connections, without sockets and without clocks.

Frames go in and frames come out.  The asyncio client and its blocking twin drive it, and so can
anything else that has a WebSocket.  The contract is docs/live.md.

Not for: sockets and timers (`client`) or rows (`mirror`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from questkeep_client.protocol.changes import Change, Changes, State, typed_event
from questkeep_client.protocol.mirror import Mirror
from questkeep_client.protocol.outbox import Outbox, Pending
from questkeep_client.protocol.problems import SAME, Closed

Frame = dict[str, Any]
Listener = Callable[[Change | Closed], None]
"""Takes each change in order, and at last the end of the client."""

QUIET_AFTER_PING_SECONDS = 10.0
_PING_MS = 20_000


@dataclass(slots=True)
class Watched:
    """A user who is shown: their mirror, and who listens."""

    mirror: Mirror
    listeners: list[Listener] = field(default_factory=list)

    def apply(self, frame: Frame) -> None:
        """Take the change of one version, and tell it.

        Raises:
            Gap: a version is missing.
        """
        changes = frame.get("changes", {})
        position = self.mirror.apply(frame["version"], changes)
        events = tuple(map(typed_event, frame.get("events", ())))
        command_id = frame.get("command_id", "")
        self.publish(Changes(self.mirror.user_id, position, command_id, changes, events))

    def publish(self, change: Change | Closed) -> None:
        for listener in tuple(self.listeners):
            listener(change)


@dataclass(slots=True)
class Limits:
    """What the server takes at most on this connection; it says so in `welcome`."""

    frame_bytes: int = 65_536
    list: int = 100

    def take(self, limits: Mapping[str, int]) -> None:
        self.frame_bytes = limits.get("frame_bytes", self.frame_bytes)
        self.list = limits.get("list", self.list)


class Session:
    """Mirrors and outbox of one client, and what each frame does to them.

    `only` is the user whose line this is; None is the line of a service, on which every frame names
    its user and nothing is watched until asked.
    """

    def __init__(self, only: str | None) -> None:
        self.only = only
        self.outbox = Outbox()
        self.watched: dict[str, Watched] = {}
        self.limits = Limits()
        self.quiet_seconds = _PING_MS / 1000 + QUIET_AFTER_PING_SECONDS
        self.moving_ms: int | None = None
        self._token_wanted = False
        self._retries: list[tuple[Pending, int | None]] = []
        if only is not None:
            self.watched[only] = Watched(Mirror(only))

    def path(self) -> str:
        """Where to connect: the path and query of the next connection."""
        if self.only is None:
            return "/v1/live"
        position = self.watched[self.only].mirror.position
        return f"/v1/users/{self.only}/live" + (f"?after={position}" if position else "")

    def opened(self) -> list[Frame]:
        """What goes out first on a new connection: watches, then every unanswered command."""
        self.moving_ms = None
        watches = [self.watch_frame(user_id) for user_id in self.watched] if not self.only else []
        return watches + [frame for pending in self.outbox if (frame := self._ready(pending))]

    def watch(self, user_id: str) -> tuple[Watched, list[Frame]]:
        """A user to be shown from now on, and the frames that ask for them."""
        watched = self.watched.get(user_id)
        if watched is not None:
            return watched, []
        watched = self.watched[user_id] = Watched(Mirror(user_id))
        return watched, [self.watch_frame(user_id)]

    def watch_frame(self, user_id: str) -> Frame:
        position = self.watched[user_id].mirror.position
        asked: Frame = {"user_id": user_id}
        if position is not None:
            asked["after"] = str(position)
        return {"type": "watch", "users": [asked]}

    def unwatch(self, user_id: str) -> list[Frame]:
        """Show a user no longer; their mirror is forgotten.  The only user stays."""
        if self.only is not None or self.watched.pop(user_id, None) is None:
            return []
        return [{"type": "unwatch", "users": [{"user_id": user_id}]}]

    def send(self, pending: Pending) -> list[Frame]:
        """Take a command into the outbox; the frames that may go out now.

        A command of a user who is shown waits for their first position, which it names as `since`.
        """
        self.outbox.add(pending)
        frame = self._ready(pending)
        return [frame] if frame else []

    def received(self, frame: Frame) -> list[Frame]:
        """Take one frame; the frames that answer it.

        Raises:
            Gap: a version is missing: close the connection and open another.
        """
        take = _TAKES.get(frame.get("type", ""))
        return [] if take is None else take(self, frame) or []

    def take_retries(self) -> list[tuple[Pending, int | None]]:
        """Commands to be sent again later, each with the server's `retry_after_ms`."""
        retries, self._retries = self._retries, []
        return retries

    def take_token_wanted(self) -> bool:
        """Whether the token will expire soon, and nobody asked for another yet."""
        wanted, self._token_wanted = self._token_wanted, False
        return wanted

    def end(self, closed: Closed) -> None:
        """Nothing will come any more: whoever waits is told."""
        for pending in tuple(self.outbox):
            self.outbox.take(pending.frame["command_id"])
            pending.answered(closed)
        for watched in self.watched.values():
            watched.publish(closed)

    def _ready(self, pending: Pending) -> Frame | None:
        frame = pending.frame
        if "since" not in frame and pending.tries == 0:
            watched = self.watched.get(pending.user_id)
            if watched is not None:
                if watched.mirror.position is None:
                    return None
                frame["since"] = str(watched.mirror.position)
        pending.tries += 1
        return frame

    def _of(self, frame: Frame) -> Watched | None:
        return self.watched.get(self.only or frame.get("user_id", ""))

    def _welcome(self, frame: Frame) -> None:
        self.limits.take(frame.get("limits", {}))
        self.quiet_seconds = frame.get("ping_ms", _PING_MS) / 1000 + QUIET_AFTER_PING_SECONDS

    def _state(self, frame: Frame) -> list[Frame]:
        watched = self._of(frame)
        if watched is None:
            return []
        first = watched.mirror.position is None
        watched.mirror.replace(frame)
        position = watched.mirror.position
        assert position is not None
        rows, user_id = watched.mirror.rows, watched.mirror.user_id
        watched.publish(State(user_id, position, frame.get("why", "first"), rows))
        return list(self._held_back(user_id)) if first else []

    def _held_back(self, user_id: str) -> Iterator[Frame]:
        for pending in self.outbox:
            if (
                pending.user_id == user_id
                and pending.tries == 0
                and (frame := self._ready(pending))
            ):
                yield frame

    def _changes(self, frame: Frame) -> None:
        watched = self._of(frame)
        if watched is None:
            return
        if "changes" in frame:
            watched.apply(frame)
        else:
            version: int = frame["version"]
            watched.mirror.skip(frame.get("from", version), version)

    def _reply(self, frame: Frame) -> None:
        watched = self._of(frame)
        if watched is not None and watched.mirror.position and not frame.get("replayed"):
            if frame["version"] != watched.mirror.position.version or frame.get("changes"):
                watched.apply(frame)
        pending = self.outbox.take(frame.get("command_id", ""))
        if pending is not None:
            pending.answered(frame)

    def _problem(self, frame: Frame) -> None:
        pending = self.outbox.get(frame.get("command_id", ""))
        if pending is None:
            return
        if frame.get("retry") == SAME:
            pending.tries += 1
            self._retries.append((pending, frame.get("retry_after_ms")))
        else:
            self.outbox.take(frame["command_id"])
            pending.answered(frame)

    def _token_expiring(self, frame: Frame) -> None:
        self._token_wanted = True

    def _moving(self, frame: Frame) -> None:
        self.moving_ms = frame.get("reconnect_in_ms", 0)


_TAKES: dict[str, Callable[[Session, Frame], list[Frame] | None]] = {
    "welcome": Session._welcome,
    "state": Session._state,
    "changes": Session._changes,
    "reply": Session._reply,
    "problem": Session._problem,
    "token_expiring": Session._token_expiring,
    "moving": Session._moving,
}
