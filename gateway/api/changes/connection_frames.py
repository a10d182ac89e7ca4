"""The frames of a live connection beside those that show a user: what each side says.

Times are microseconds since the epoch.  Not for: sending them (`gateway.live`).
"""

from msgspec import UNSET, Struct, UnsetType

from domain.messages.events import AnyEvent
from domain.state.user_state import Changes


class ConnectionLimits(Struct, frozen=True):
    """What one connection takes at most, as `welcome` says it."""

    frame_bytes: int
    list: int
    unanswered: int
    watched: int
    receipts: int


class WelcomeFrame(Struct, tag_field="type", tag="welcome", kw_only=True):
    """The first frame; times are microseconds since the epoch."""

    connection: str
    now: int
    role: str
    rules: str
    ping_ms: int
    token_expires_at: int
    limits: ConnectionLimits


class RulesFrame(Struct, tag_field="type", tag="rules"):
    """Other rules are in force."""

    fingerprint: str


class TokenExpiringFrame(Struct, tag_field="type", tag="token_expiring"):
    """The connection ends with its token; send another one."""

    token_expires_at: int


class TokenAcceptedFrame(Struct, tag_field="type", tag="token_accepted"):
    """The connection goes on with the new token."""

    token_expires_at: int


class TickFrame(Struct, tag_field="type", tag="tick"):
    """The server is there."""

    now: int


class MovingFrame(Struct, tag_field="type", tag="moving"):
    """This server ends: come back after so long, perhaps to another one."""

    reconnect_in_ms: int


class ReplyFrame(Struct, tag_field="type", tag="reply", kw_only=True):
    """The answer to a command; unless it was replayed, the change of its version, too."""

    user_id: str | UnsetType = UNSET
    command_id: str
    version: int
    replayed: bool
    changes: Changes | UnsetType = UNSET
    events: tuple[AnyEvent, ...] | UnsetType = UNSET


class WatchedUser(Struct, kw_only=True):
    """A user to be shown; `after` is the position to resume from."""

    user_id: str
    after: str | UnsetType = UNSET


class WatchFrame(Struct, tag_field="type", tag="watch"):
    """Show these users from now on."""

    users: list[WatchedUser]


class UnwatchFrame(Struct, tag_field="type", tag="unwatch"):
    """Show these users no longer."""

    users: list[WatchedUser]


class TokenFrame(Struct, tag_field="type", tag="token"):
    """Go on with this token: of the same bearer, and not ending before the old one."""

    token: str


class AskTickFrame(Struct, tag_field="type", tag="tick"):
    """Answer with a `tick` at once."""


SERVER_FRAMES: tuple[type[Struct], ...] = (
    WelcomeFrame,
    ReplyFrame,
    RulesFrame,
    TokenExpiringFrame,
    TokenAcceptedFrame,
    TickFrame,
    MovingFrame,
)
CLIENT_FRAMES: tuple[type[Struct], ...] = (WatchFrame, UnwatchFrame, TokenFrame, AskTickFrame)
