"""User snapshots: a user's state and receipts as bytes with a format number, and back (P9).

Not for: framing and checksums (`frame`), or where bytes go (`store`).
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import astuple

from domain.state.history import HistoryEntry
from domain.state.open_quests import OpenQuests
from domain.state.persistent_list import PersistentList
from domain.state.persistent_map import PersistentMap
from domain.state.receipts import Receipt
from domain.state.rows import (
    BattleOutcome,
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
)
from domain.state.user_state import UserState
from persistence.codec.array_form import to_array
from persistence.codec.formats import FORMAT, Upcasters, encode, unpack, upcast
from persistence.codec.slices import ListOf, msgpack_slices
from persistence.codec.unpacking import Steps, Unpacking, finish

SNAPSHOT_UPCASTERS: Upcasters = {}


class Rows(Struct, frozen=True):
    """Everything a user owns, table by table: the shape of snapshots and of exports.

    `history` is the part of the history that no stored page holds yet, and the newest entries.
    """

    player_progression: PlayerProgression | None
    chapter_progression: list[ChapterProgression]
    quest_record: list[QuestRecord]
    battle_state: list[BattleState]
    inventory: dict[str, int]
    wallet: dict[str, int]
    affinity: dict[str, int]
    repeat_tally: list[DefeatCounts]
    history: list[HistoryEntry]


class Snapshot(Struct, frozen=True):
    """A user as stored.  `receipts` stand in the order of their versions, the newest last."""

    state: UserState
    receipts: Sequence[Receipt]


class _Stored(Struct, frozen=True):
    """What a snapshot's bytes hold, in this order."""

    format: int
    user_id: str
    era: str
    version: int
    rows: Rows
    receipts: list[Receipt]


def rows_of(state: UserState) -> Rows:
    """The state table by table."""
    return Rows(
        player_progression=state.player_progression,
        chapter_progression=list(state.chapters.values()),
        quest_record=list(state.quests.values()),
        battle_state=list(state.battles.values()),
        inventory=dict(state.inventory),
        wallet=dict(state.wallet),
        affinity=dict(state.affinity),
        repeat_tally=list(state.repeats.values()),
        history=list(state.history),
    )


def state_of(user_id: str, era: str, version: int, rows: Rows) -> UserState:
    """The state whose tables `rows` are."""
    quests = {row.quest_id: row for row in rows.quest_record}
    battles = {row.battle_id: row for row in rows.battle_state}
    ongoing = BattleOutcome.ONGOING
    return UserState(
        user_id=user_id,
        era=era,
        version=version,
        player_progression=rows.player_progression,
        chapters=PersistentMap({row.chapter_id: row for row in rows.chapter_progression}),
        quests=PersistentMap(quests),
        open_quests=OpenQuests.of(quests.values()),
        battles=PersistentMap(battles),
        open_battles=PersistentMap(
            {key: row for key, row in battles.items() if row.outcome is ongoing}
        ),
        inventory=PersistentMap(rows.inventory),
        wallet=PersistentMap(rows.wallet),
        affinity=PersistentMap(rows.affinity),
        repeats=PersistentMap({row.scope: row for row in rows.repeat_tally}),
        history=PersistentList.of(rows.history),
    )


def encode_snapshot(state: UserState, receipts: Iterable[Receipt]) -> bytes:
    """A snapshot's bytes."""
    stored = _Stored(
        FORMAT, state.user_id, state.era, state.version, rows_of(state), list(receipts)
    )
    return encode(to_array(stored))


def snapshot_slices(state: UserState, receipts: Sequence[Receipt]) -> Iterator[bytes]:
    """The same bytes in slices, for a user of whom all at once would take too long."""
    rows = [
        ListOf(len(table), map(to_array, table)) if isinstance(table, list) else table
        for table in astuple(rows_of(state))
    ]
    if state.player_progression is not None:
        rows[0] = to_array(state.player_progression)
    stored = [FORMAT, state.user_id, state.era, state.version, rows]
    return msgpack_slices([*stored, ListOf(len(receipts), map(to_array, receipts))])


def decode_snapshot(payload: bytes, place: str) -> Snapshot:
    """The user that `payload` holds; `place` names where it stood.

    Raises:
        NewerFormat: written by a newer Questkeep.
        Corrupt: no snapshot, or one in which two rows of a table have one key.
    """
    return finish(snapshot_steps(payload, place))


def snapshot_steps(payload: bytes, place: str) -> Steps[Snapshot]:
    """The same with pauses, for whoever has other work to do: a user may be of any size."""
    unpacking = Unpacking(payload, place)
    number = unpacking.value() if unpacking.begin_list() else None
    if type(number) is not int or number != FORMAT:
        fields = upcast(unpack(payload, place), number, SNAPSHOT_UPCASTERS, place)
        return (yield from snapshot_steps(encode(fields), place))
    unpacking = Unpacking(payload, place)
    unpacking.begin_fields(_Stored)
    unpacking.value()
    user_id, era = unpacking.typed(str), unpacking.typed(str)
    version = unpacking.typed(int)
    rows = yield from _rows_steps(unpacking)
    receipts = yield from unpacking.rows(Receipt)
    unpacking.end()
    state = state_of(user_id, era, version, rows)
    for table, listed, by_key in (
        ("chapter_progression", rows.chapter_progression, state.chapters),
        ("quest_record", rows.quest_record, state.quests),
        ("battle_state", rows.battle_state, state.battles),
        ("repeat_tally", rows.repeat_tally, state.repeats),
    ):
        if len(listed) != len(by_key):
            raise unpacking.corrupt(f"{table}: two rows with one key")
    return Snapshot(state, receipts)


def _rows_steps(unpacking: Unpacking) -> Steps[Rows]:
    unpacking.begin_fields(Rows)
    return Rows(
        player_progression=unpacking.row_or_none(PlayerProgression),
        chapter_progression=(yield from unpacking.rows(ChapterProgression)),
        quest_record=(yield from unpacking.rows(QuestRecord)),
        battle_state=(yield from unpacking.rows(BattleState)),
        inventory=(yield from unpacking.amounts()),
        wallet=(yield from unpacking.amounts()),
        affinity=(yield from unpacking.amounts()),
        repeat_tally=(yield from unpacking.rows(DefeatCounts)),
        history=(yield from unpacking.rows(HistoryEntry)),
    )
