"""What readers of changes get: a change, what was missed, or the whole state.

Not for: how it gets here (`feed`), or the frames that clients see (`gateway`).
"""

from functools import cached_property

from msgspec import Struct

from actors.errors import DeliveryCode, DeliveryError
from actors.messages import Reply
from actors.user.missed_changes import Why, decode_missed
from domain.messages.decision import Decision
from domain.messages.events import AnyEvent
from domain.state.position import Position
from domain.state.user_state import Changes
from persistence.codec.records import decode_decision, decode_record


class Change:
    """One durable version of one user, shared by everybody who watches: decoded once, if at all.

    Attributes:
        encoded: frames that were made of it, by whatever their makers call them; so each is
            encoded once, however many connections it goes to.
    """

    def __init__(self, user_id: str, position: Position, command_id: str, decision: bytes) -> None:
        self.user_id = user_id
        self.position = position
        self.command_id = command_id
        self.encoded: dict[object, bytes] = {}
        self._stored = decision

    @classmethod
    def of_record(cls, data: bytes) -> "Change":
        """The change that a journal record tells of."""
        record = decode_record(data, "a record of a watched user")
        position = Position(record.era, record.version)
        return cls(record.user_id, position, record.command_id, record.decision)

    @property
    def version(self) -> int:
        """The user's version after the change."""
        return self.position.version

    @cached_property
    def _decision(self) -> Decision:
        return decode_decision(self._stored, f"the change to {self.position}")

    @property
    def changes(self) -> Changes:
        """The rows as they then were, only those that changed."""
        return self._decision.changes

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """What happened."""
        return self._decision.events


class Missed(Struct, frozen=True):
    """The changes after the reader's position, oldest first; `position` is that of the newest."""

    position: Position
    changes: tuple[Change, ...]


class WholeState(Struct, frozen=True):
    """Everything the user owns at `position`, as a `state` frame in the media that was asked for.

    It replaces all that the reader knew.
    """

    position: Position
    why: Why
    frame: bytes


class ReadRefused(DeliveryError):
    """A host refused to say what was missed; with `retry_after_ms`, only for now."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.detail)
        self.code = DeliveryCode(reply.code)
        self.retry_after_ms = reply.retry_after_ms


def missed_of(user_id: str, reply: Reply) -> Missed | WholeState:
    """What the reply to a `ReadChanges` says.

    Raises:
        ReadRefused: it is a refusal.
    """
    if reply.code:
        raise ReadRefused(reply)
    position = Position.parse(reply.position)
    assert position is not None
    if reply.detail:
        return WholeState(position, Why(reply.detail), reply.body)
    changes = (
        Change(user_id, Position(position.era, version), command_id, decision)
        for version, command_id, decision in decode_missed(reply.body)
    )
    return Missed(position, tuple(changes))
