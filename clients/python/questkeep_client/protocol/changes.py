"""What a watcher is told: the whole state, or the change of one version."""

from collections.abc import Mapping
from typing import Any

import msgspec

from questkeep_client.api_types import Event
from questkeep_client.protocol.mirror import Position, Rows, indexed


class State(msgspec.Struct, frozen=True):
    """Everything the server shows of a user; whatever was known before is forgotten.

    `why` is `first`, `era` (the line of versions is another one: the user was restored, imported or
    deleted), `too_old` (more was missed than the server keeps), `restored` or `ahead`.
    """

    user_id: str
    position: Position
    why: str
    rows: Rows


class Changes(msgspec.Struct, frozen=True):
    """What one command changed: the rows as they now are, and what happened.

    Each version comes exactly once and in order, whoever sent the command.  An event of a type that
    this client does not know is a plain dict.
    """

    user_id: str
    position: Position
    command_id: str
    changes: Mapping[str, Any]
    events: tuple[Event | dict[str, Any], ...]


Change = State | Changes


def frame_as_change(user_id: str, position: Position, frame: dict[str, Any]) -> Change | None:
    """The `state` or `changes` frame that came after `position`; None for any other frame."""
    if frame["type"] == "state":
        moved = Position(frame["era"], frame["version"])
        return State(user_id, moved, frame["why"], indexed(frame))
    if frame["type"] == "changes" and "changes" in frame:
        moved = Position(position.era, frame["version"])
        events = tuple(map(typed_event, frame["events"]))
        return Changes(user_id, moved, frame["command_id"], frame["changes"], events)
    return None


def typed_event(event: dict[str, Any]) -> Event | dict[str, Any]:
    """The event as its struct, or as it came if a newer server sent it."""
    try:
        typed: Event = msgspec.convert(event, Event)
        return typed
    except msgspec.ValidationError:
        return event
