"""The answer to an accepted command: what changed, and why."""

from msgspec import Struct

from domain.messages.events import AnyEvent
from domain.state.user_state import Changes


class ReplyBody(Struct, frozen=True):
    """The body of a 200.

    `version` is the user's version after the command; it rises by one with each that changed
    something.
    """

    command_id: str
    version: int
    replayed: bool
    changes: Changes
    events: tuple[AnyEvent, ...]


class BriefReply(Struct, frozen=True):
    """A reply without what changed, for whoever only wants to know that it did."""

    command_id: str
    version: int
    replayed: bool


class UserReply(ReplyBody, frozen=True):
    """A reply among those of many users."""

    user_id: str


class BriefUserReply(BriefReply, frozen=True):
    """The same without what changed."""

    user_id: str
