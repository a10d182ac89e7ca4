"""User snapshots: a user's state and receipts as bytes with a format number, and back (P9).

Not for: framing and checksums (`frame`), or where bytes go (`store`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from msgspec import Raw, Struct

from domain.state.array_form import to_array
from domain.state.history import HistoryEntry
from domain.state.open_quests import OpenQuestsBuilder
from domain.state.persistent_list import PersistentList
from domain.state.persistent_map import PersistentMap
from domain.state.receipts import Receipt
from domain.state.row_table import RowTable
from domain.state.rows import (
    BattleOutcome,
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
)
from domain.state.user_state import UserState
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
        inventory=state.inventory.as_dict(),
        wallet=state.wallet.as_dict(),
        affinity=state.affinity.as_dict(),
        repeat_tally=list(state.repeats.values()),
        history=list(state.history),
    )


def state_of(user_id: str, era: str, version: int, rows: Rows) -> UserState:
    """The state whose tables `rows` are."""
    tables = _Tables()
    for take, table in (
        (tables.add_chapter, rows.chapter_progression),
        (tables.add_quest, rows.quest_record),
        (tables.add_battle, rows.battle_state),
        (tables.add_repeat, rows.repeat_tally),
        (tables.history.append, rows.history),
    ):
        for row in table:
            take(row)  # type: ignore[arg-type]
    tables.player_progression = rows.player_progression
    tables.inventory, tables.wallet, tables.affinity = rows.inventory, rows.wallet, rows.affinity
    return tables.state(user_id, era, version)


class _Tables:
    """The tables of a state that is being read, row by row."""

    def __init__(self) -> None:
        self.player_progression: PlayerProgression | None = None
        self.inventory: dict[str, int] = {}
        self.wallet: dict[str, int] = {}
        self.affinity: dict[str, int] = {}
        self.history: list[HistoryEntry] = []
        self._chapters: dict[str, ChapterProgression] = {}
        self._quests: dict[str, QuestRecord] = {}
        self._open_quests = OpenQuestsBuilder()
        self._battles: dict[str, BattleState] = {}
        self._open_battles: dict[str, BattleState] = {}
        self._repeats: dict[str, DefeatCounts] = {}

    def add_chapter(self, row: ChapterProgression) -> int:
        """One more chapter; like the others it returns how many there are."""
        self._chapters[row.chapter_id] = row
        return len(self._chapters)

    def add_quest(self, row: QuestRecord) -> int:
        self._quests[row.quest_id] = row
        if row.status.open:
            self._open_quests.add(row)
        return len(self._quests)

    def add_battle(self, row: BattleState) -> int:
        self._battles[row.battle_id] = row
        if row.outcome is BattleOutcome.ONGOING:
            self._open_battles[row.battle_id] = row
        return len(self._battles)

    def add_repeat(self, row: DefeatCounts) -> int:
        self._repeats[row.scope] = row
        return len(self._repeats)

    def state(self, user_id: str, era: str, version: int) -> UserState:
        """The state."""
        return UserState(
            user_id=user_id,
            era=era,
            version=version,
            player_progression=self.player_progression,
            chapters=PersistentMap(self._chapters),
            quests=RowTable(QuestRecord, self._quests),
            open_quests=self._open_quests.open_quests(),
            battles=RowTable(BattleState, self._battles),
            open_battles=PersistentMap(self._open_battles),
            inventory=PersistentMap(self.inventory),
            wallet=PersistentMap(self.wallet),
            affinity=PersistentMap(self.affinity),
            repeats=PersistentMap(self._repeats),
            history=PersistentList.of(self.history),
        )


def encode_snapshot(state: UserState, receipts: Collection[Receipt]) -> bytes:
    """A snapshot's bytes."""
    return encode(_stored(state, receipts, lambda length, items: list(items)))


def snapshot_slices(state: UserState, receipts: Collection[Receipt]) -> Iterator[bytes]:
    """The same bytes in slices, for a user of whom all at once would take too long."""
    return msgpack_slices(_stored(state, receipts, ListOf))


ListMaker = Callable[[int, Iterator[Any]], Any]
"""A list of so many items."""


def _stored(
    state: UserState, receipts: Collection[Receipt], list_of: ListMaker
) -> Sequence[object]:
    """The array form of `_Stored`."""

    def arrays(rows: Collection[Struct]) -> Any:
        return list_of(len(rows), map(to_array, rows))

    def table(rows: RowTable[Any]) -> Any:
        return list_of(len(rows), map(Raw, rows.arrays()))

    progression = state.player_progression
    rows = [
        progression if progression is None else to_array(progression),
        arrays(state.chapters.values()),
        table(state.quests),
        table(state.battles),
        state.inventory.as_dict(),
        state.wallet.as_dict(),
        state.affinity.as_dict(),
        arrays(state.repeats.values()),
        arrays(state.history[:]),
    ]
    return [FORMAT, state.user_id, state.era, state.version, rows, arrays(receipts)]


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
    tables = yield from _tables_steps(unpacking)
    receipts: list[Receipt] = []
    yield from unpacking.rows(Receipt, receipts.append)
    unpacking.end()
    return Snapshot(tables.state(user_id, era, version), receipts)


def _tables_steps(unpacking: Unpacking) -> Steps[_Tables]:
    tables = _Tables()
    unpacking.begin_fields(Rows)
    tables.player_progression = unpacking.row_or_none(PlayerProgression)
    yield from unpacking.keyed_rows(ChapterProgression, tables.add_chapter)
    yield from unpacking.keyed_rows(QuestRecord, tables.add_quest)
    yield from unpacking.keyed_rows(BattleState, tables.add_battle)
    tables.inventory = yield from unpacking.amounts()
    tables.wallet = yield from unpacking.amounts()
    tables.affinity = yield from unpacking.amounts()
    yield from unpacking.keyed_rows(DefeatCounts, tables.add_repeat)
    yield from unpacking.rows(HistoryEntry, tables.history.append)
    return tables
