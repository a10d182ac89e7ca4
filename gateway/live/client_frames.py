"""What clients send: messages to frames, and frames that are none.

Not for: what a command's fields may be (`gateway.api.commands.validation`).
"""

from collections.abc import Sequence
from typing import Any

from actors.messages import Media
from domain.ids import ID_RULE, is_user_id
from domain.messages.commands import COMMAND_TYPES
from domain.state.position import Position
from domain.wording import describe_value
from gateway.api.media import read_body
from gateway.live.close_codes import Close, CloseCode, shortened
from gateway.problems import Problem

DEPTH_MAX = 16
Frame = dict[str, Any]

CONTROL = {
    "watch": frozenset({"type", "users"}),
    "unwatch": frozenset({"type", "users"}),
    "token": frozenset({"type", "token"}),
    "tick": frozenset({"type"}),
}
"""Frames that are no commands, and the members that each has."""


class NotAFrame(Exception):
    """What came ends the connection; `close` says how."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, shortened(reason))


def read_message(message: bytes, media: Media, list_max: int) -> Sequence[Frame]:
    """The frames of one message, in order.

    Raises:
        NotAFrame: it is not of this format, or one of them has no type that is known.
    """
    try:
        content = read_body(message, media)
    except Problem as problem:
        raise NotAFrame(CloseCode.NOT_THIS_FORMAT, problem.detail) from None
    frames = content if isinstance(content, list) else [content]
    if len(frames) > list_max:
        detail = f"a list of {len(frames)} frames, expected at most {list_max}"
        raise NotAFrame(CloseCode.NO_FRAME, detail)
    for frame in frames:
        _check(frame)
    return frames


def watched_in(frame: Frame) -> list[tuple[str, Position | None]]:
    """The users of a `watch` or an `unwatch`, and the position to resume each from.

    Raises:
        NotAFrame: they are spelled in another way.
    """
    users = frame.get("users")
    if not isinstance(users, list):
        raise _no_frame(f"users is {describe_value(users)}, expected a list")
    return [_watched(user) for user in users]


def _watched(user: object) -> tuple[str, Position | None]:
    if not isinstance(user, dict) or not set(user) <= {"user_id", "after"}:
        raise _no_frame(f"a user is {describe_value(user)}, expected {{user_id, after?}}")
    user_id, after = user.get("user_id"), user.get("after")
    if not (isinstance(user_id, str) and is_user_id(user_id)):
        raise _no_frame(f"user_id is {describe_value(user_id)}, expected {ID_RULE}")
    if after is None:
        return user_id, None
    position = Position.parse(after) if isinstance(after, str) else None
    if position is None:
        raise _no_frame(f"after is {describe_value(after)}, expected ERA.VERSION")
    return user_id, position


def _check(frame: object) -> None:
    if not isinstance(frame, dict):
        raise _no_frame(f"a frame is {describe_value(frame)}, expected an object")
    kind = frame.get("type")
    known = isinstance(kind, str) and (kind in COMMAND_TYPES or kind in CONTROL)
    # A command of a type that is not known is refused as a command.
    if not known and not (isinstance(kind, str) and "command_id" in frame):
        raise _no_frame(f"type is {describe_value(kind)}, expected that of a frame")
    if kind in CONTROL and set(frame) != CONTROL[kind]:
        raise _no_frame(f"a {kind} has {', '.join(sorted(CONTROL[kind]))}, and nothing else")
    if _depth_exceeds(frame, DEPTH_MAX):
        raise _no_frame(f"a frame is nested deeper than {DEPTH_MAX} levels")


def _depth_exceeds(value: object, most: int) -> bool:
    """Whether objects and lists stand in each other more than `most` deep."""
    if isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    else:
        return False
    return most == 0 or any(_depth_exceeds(child, most - 1) for child in children)


def _no_frame(reason: str) -> NotAFrame:
    return NotAFrame(CloseCode.NO_FRAME, reason)
