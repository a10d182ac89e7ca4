"""A user's whole state as one frozen value, and the changes that lead from one state to the next.

`UserState.put` is the only way a state comes from another; recovery does the same to stored rows,
so what was decided and what is recovered are the same.

Not for: where history goes when it leaves memory (the host stores pages and says when one stands).
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from domain.state.history import HISTORY_PAGE, HISTORY_TAIL, HistoryEntry
from domain.state.open_quests import OpenQuests
from domain.state.persistent_list import PersistentList
from domain.state.persistent_map import PersistentMap, Row
from domain.state.row_table import RowTable, StoredRow
from domain.state.rows import (
    BattleOutcome,
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
    laid_over,
)


class Changes(Struct, frozen=True, omit_defaults=True):
    """The rows as they now are, only those that changed; None or empty means untouched.

    `inventory`, `wallet` and `affinity` hold the stacks, currencies and NPCs that changed, by id,
    as the amount held now; 0 means that the row is gone.  `repeat_tally` holds the counts that
    changed, `history` the new entries only: they come after those the user had.
    """

    player_progression: PlayerProgression | None = None
    chapter_progression: tuple[ChapterProgression, ...] = ()
    quest_record: tuple[QuestRecord, ...] = ()
    battle_state: tuple[BattleState, ...] = ()
    inventory: dict[str, int] = {}
    wallet: dict[str, int] = {}
    affinity: dict[str, int] = {}
    repeat_tally: tuple[DefeatCounts, ...] = ()
    history: tuple[HistoryEntry, ...] = ()


NOTHING = Changes()

NO_QUESTS = RowTable(QuestRecord)
NO_BATTLES = RowTable(BattleState)


class UserState(Struct, frozen=True):
    """Everything one user owns but the receipts.  `version` counts the commands that changed it.

    `era` names the line of versions that `version` counts in (P10): empty for a user of a store
    that was never written.
    `open_quests` and `open_battles` are the rows of `quests` and `battles` that may still pay; a
    turn asks `quest` and `battle`, which look there first.
    `inventory`, `wallet` and `affinity` hold no 0.  `history` is the newest part of the history,
    gapless, oldest first; what is older stands in the store.
    """

    user_id: str
    version: int = 0
    era: str = ""
    player_progression: PlayerProgression | None = None
    chapters: PersistentMap[ChapterProgression] = PersistentMap()
    quests: RowTable[QuestRecord] = NO_QUESTS
    open_quests: OpenQuests = OpenQuests()
    battles: RowTable[BattleState] = NO_BATTLES
    open_battles: PersistentMap[BattleState] = PersistentMap()
    inventory: PersistentMap[int] = PersistentMap()
    wallet: PersistentMap[int] = PersistentMap()
    affinity: PersistentMap[int] = PersistentMap()
    repeats: PersistentMap[DefeatCounts] = PersistentMap()
    history: PersistentList[HistoryEntry] = PersistentList.of()

    @property
    def position(self) -> str:
        """The era, a dot and the version; empty where the store has no era yet."""
        return f"{self.era}.{self.version}" if self.era else ""

    @property
    def history_stored_through(self) -> int:
        """The newest entry that left memory because the store holds it; 0 for none."""
        newest = self.history.newest
        return 0 if newest is None else newest.sequence - self.history.length

    @property
    def next_sequence(self) -> int:
        """The sequence of the entry that comes next."""
        newest = self.history.newest
        return 1 if newest is None else newest.sequence + 1

    def quest(self, quest_id: str) -> QuestRecord | None:
        """The quest of this id, open or settled."""
        return self.open_quests.rows.get(quest_id) or self.quests.get(quest_id)

    def battle(self, battle_id: str) -> BattleState | None:
        """The battle of this id, open or over."""
        return self.open_battles.get(battle_id) or self.battles.get(battle_id)

    def put(self, changes: Changes) -> "UserState":
        """The next state: this one with `changes` in it and `version` one higher."""
        battles, counts = changes.battle_state, changes.repeat_tally
        items, coins, friends = changes.inventory, changes.wallet, changes.affinity
        return UserState(
            user_id=self.user_id,
            version=self.version + 1,
            era=self.era,
            player_progression=changes.player_progression or self.player_progression,
            chapters=_put(self.chapters, changes.chapter_progression, "chapter_id"),
            quests=_put_rows(self.quests, changes.quest_record, "quest_id"),
            open_quests=self.open_quests.put(changes.quest_record),
            battles=_put_rows(self.battles, battles, "battle_id") if battles else self.battles,
            open_battles=_put_open(self.open_battles, battles) if battles else self.open_battles,
            inventory=_put_amounts(self.inventory, items) if items else self.inventory,
            wallet=_put_amounts(self.wallet, coins) if coins else self.wallet,
            affinity=_put_amounts(self.affinity, friends) if friends else self.affinity,
            repeats=_put_counts(self.repeats, counts) if counts else self.repeats,
            history=self.history.plus(changes.history),
        )

    def packed(self) -> "UserState":
        """The same state in less memory: older entries of the history packed."""
        return replace(self, history=self.history.packed())

    def without_history_through(self, sequence: int) -> "UserState":
        """This state, its entries up to `sequence` left to the store, which must hold them.

        The newest `HISTORY_TAIL` stay whatever `sequence` is; no version is made, no row changes.
        """
        spare = max(0, len(self.history) - HISTORY_TAIL)
        gone = min(spare, max(0, sequence - self.history_stored_through))
        return replace(self, history=self.history.without_oldest(gone)) if gone else self


def history_page(state: UserState) -> tuple[HistoryEntry, ...] | None:
    """The oldest entries in memory once there are enough to store a page of them, else None.

    The first sequence names the page: the same page is the same entries, whoever stores it and
    however often.  Ask durable states only.  The entries stay in memory until
    `without_history_through` is told that the page stands.
    """
    if len(state.history) < HISTORY_TAIL + HISTORY_PAGE:
        return None
    return state.history[:HISTORY_PAGE]


def _put(rows_by_id: PersistentMap[Row], rows: tuple[Row, ...], key: str) -> PersistentMap[Row]:
    """`rows_by_id` with `rows` in it; the same map when there are none."""
    if len(rows) == 1:
        return rows_by_id.put_row(getattr(rows[0], key), rows[0])
    return rows_by_id.put({getattr(row, key): row for row in rows}) if rows else rows_by_id


def _put_rows(
    table: RowTable[StoredRow], rows: tuple[StoredRow, ...], key: str
) -> RowTable[StoredRow]:
    """The same of a table."""
    for row in rows:
        table = table.put_row(getattr(row, key), row)
    return table


def _put_amounts(held: PersistentMap[int], changed: Mapping[str, int]) -> PersistentMap[int]:
    """`held` with the changed amounts in it; what is 0 is gone."""
    return held.put({name: amount or None for name, amount in changed.items()})


def _put_open(
    open_battles: PersistentMap[BattleState], rows: tuple[BattleState, ...]
) -> PersistentMap[BattleState]:
    ongoing = BattleOutcome.ONGOING
    return open_battles.put(
        {row.battle_id: row if row.outcome is ongoing else None for row in rows}
    )


def _put_counts(
    repeats: PersistentMap[DefeatCounts], changed: tuple[DefeatCounts, ...]
) -> PersistentMap[DefeatCounts]:
    """`repeats` with the changed counts laid over those of the same scope and day."""
    rows: dict[str, DefeatCounts] = {}
    for row in changed:
        held = repeats.get(row.scope)
        defeats = held.defeats if held is not None and held.day == row.day else {}
        rows[row.scope] = DefeatCounts(row.scope, row.day, laid_over(defeats, row.defeats))
    return repeats.put(rows)
