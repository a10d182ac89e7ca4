"""The frames that show one user: `state`, `changes` and `caught_up`, in JSON or msgpack.

Hosts write `state` frames themselves (`actors.user.missed_changes`).  A `changes` frame is encoded
once for each form in which somebody wants it, however many connections it goes to.

Not for: sending them, or the other frames of a live connection.
"""

from collections.abc import Set as AbstractSet
from functools import cache

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from actors.feeds.changes import Change
from actors.messages import Media
from actors.user.bodies import write_body
from actors.user.missed_changes import Why
from domain.messages.events import AnyEvent
from domain.state.rows import BattleState, ChapterProgression, PlayerProgression, QuestRecord
from domain.state.user_state import NOTHING, Changes
from gateway.api.bodies import LeftOut

ROWS = {
    "progression": ("player_progression",),
    "chapters": ("chapter_progression",),
    "quests": ("quest_record",),
    "battles": ("battle_state",),
    "goods": ("inventory", "wallet", "affinity"),
    "history": ("history",),
    "events": (),
}
"""What clients may choose to see, and the members of rows that each stands for."""
DEFAULT_ROWS = frozenset(ROWS) - {"history"}

Shown = AbstractSet[str]
"""Some of `ROWS`; hashable."""


class StateFrame(Struct, tag_field="type", tag="state", kw_only=True):
    """Everything shown of a user; replaces all that was known."""

    user_id: str | UnsetType = UNSET
    era: str
    version: int
    why: Why
    player_progression: PlayerProgression | UnsetType = UNSET
    chapter_progression: list[ChapterProgression] | UnsetType = UNSET
    quest_record: list[QuestRecord] | UnsetType = UNSET
    battle_state: list[BattleState] | UnsetType = UNSET
    inventory: dict[str, int] | UnsetType = UNSET
    wallet: dict[str, int] | UnsetType = UNSET
    affinity: dict[str, int] | UnsetType = UNSET
    left_out: LeftOut | UnsetType = UNSET


class ChangesFrame(Struct, tag_field="type", tag="changes", kw_only=True):
    """The next version, and the command that wrote it.

    Where nothing of it is shown there is `from` in place of the command: the first of the versions
    that the frame is for; `version` is the last.
    """

    user_id: str | UnsetType = UNSET
    version: int
    first: int | UnsetType = field(default=UNSET, name="from")
    command_id: str | UnsetType = UNSET
    changes: Changes | UnsetType = UNSET
    events: tuple[AnyEvent, ...] | UnsetType = UNSET


class CaughtUpFrame(Struct, tag_field="type", tag="caught_up", kw_only=True):
    """Nothing is missing up to `version`."""

    user_id: str | UnsetType = UNSET
    version: int


FRAMES: tuple[type[Struct], ...] = (StateFrame, ChangesFrame, CaughtUpFrame)


def changes_frame(change: Change, shown: Shown, media: Media) -> bytes:
    """The frame of one change, as whoever wants to see `shown` gets it."""
    key = (shown, media)
    frame = change.encoded.get(key)
    if frame is None:
        frame = change.encoded[key] = write_body(_frame_of(change, shown), media)
    return frame


def caught_up_frame(version: int, media: Media) -> bytes:
    """The frame after which it is live."""
    return write_body(CaughtUpFrame(version=version), media)


@cache
def state_rows(shown: Shown) -> tuple[str, ...]:
    """The members of a `state` frame for whoever wants to see `shown`; see `ReadChanges.rows`."""
    members = [member for word in ROWS if word in shown for member in ROWS[word]]
    return tuple(members)


def _frame_of(change: Change, shown: Shown) -> ChangesFrame:
    rows = _rows_shown(change, shown)
    events = change.events if "events" in shown else UNSET
    if rows == NOTHING and not events:
        return ChangesFrame(first=change.version, version=change.version)
    command_id = change.command_id
    return ChangesFrame(version=change.version, command_id=command_id, changes=rows, events=events)


def _rows_shown(change: Change, shown: Shown) -> Changes:
    """The rows of a change but the defeat counts, which are about rows."""
    hidden = {
        member: getattr(NOTHING, member)
        for word, members in ROWS.items()
        if word not in shown
        for member in members
    }
    return replace(change.changes, repeat_tally=(), **hidden)
