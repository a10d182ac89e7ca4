"""What readers see of a user: the durable rows of a view, filtered and a page at a time.

A page of a list begins after a row that the reader names and has at most so many rows, in the order
in which they were made; `next_after` stands in it when there are more.

Not for: receipts (`actor`), or history that has left memory (`history_paging`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec.structs import asdict

from actors.messages import Read, Reply, View, refused
from domain.game.progression import progression_of
from domain.messages.rejections import Code
from domain.rules.compiled_rules import Rules
from domain.rules.deviation import rate, rate_story
from domain.state.rows import (
    BattleState,
    ChapterProgression,
    QuestRecord,
)
from domain.state.user_state import UserState
from persistence.codec.slices import ListOf

HISTORY_LIMIT = 100
"""Entries of the history in one answer when the reader names no number."""

Row = TypeVar("Row")
Rows = dict[str, Any]


def rows_of(state: UserState, rules: Rules, request: Read) -> Rows | Reply:
    """The rows of any view but `COMMAND`, by the names that the reply has for them.

    A refusal when the row that the reader names is not there.
    """
    match request.view:
        case View.USER:
            return _everything(state, rules)
        case View.UNSETTLED:
            return _unsettled(state, rules)
        case View.PROGRESSION:
            return {"player_progression": progression_of(state, rules)}
        case View.CHAPTERS:
            return _chapters(state, rules, request)
        case View.CHAPTER:
            if (chapter := state.chapters.get(request.key)) is None:
                return missing(Code.CHAPTER_NOT_FOUND, "chapter_id", request.key)
            return {"chapter_progression": _rated(chapter, rules)}
        case View.QUESTS:
            return _quests(state, request)
        case View.QUEST:
            if (quest := state.quest(request.key)) is None:
                return missing(Code.QUEST_NOT_FOUND, "quest_id", request.key)
            return {"quest_record": quest}
        case View.BATTLES:
            return _battles(state, request)
        case View.BATTLE:
            if (battle := state.battle(request.key)) is None:
                return missing(Code.BATTLE_NOT_FOUND, "battle_id", request.key)
            return {"battle_state": battle}
        case View.HISTORY:
            return _history(state, request.after, request.limit or HISTORY_LIMIT)
        case View.COMMAND:
            raise ValueError("receipts are no rows")


def missing(code: Code, field: str, key: str) -> Reply:
    """The refusal of a read that names what this user does not have."""
    return refused(code, f"{field} is {key}, which this user does not have")


def _everything(state: UserState, rules: Rules) -> Rows:
    """Every row but the history and the defeat counts, which are about the rows."""
    return {
        "player_progression": progression_of(state, rules),
        "chapter_progression": list(state.chapters.values()),
        "quest_record": ListOf.of(state.quests.values()),
        "battle_state": ListOf.of(state.battles.values()),
        "inventory": state.inventory.as_dict(),
        "wallet": state.wallet.as_dict(),
        "affinity": state.affinity.as_dict(),
    }


def _unsettled(state: UserState, rules: Rules) -> Rows:
    """The same without quests and battles that are over, and how many those are."""
    quests, battles = state.open_quests.rows, state.open_battles
    left_out = {
        "quests": len(state.quests) - len(quests),
        "battles": len(state.battles) - len(battles),
    }
    return {
        **_everything(state, rules),
        "quest_record": ListOf.of(quests.values()),
        "battle_state": ListOf.of(battles.values()),
        "left_out": left_out,
    }


def _chapters(state: UserState, rules: Rules, request: Read) -> Rows | Reply:
    page = _page(state.chapters, request, lambda chapter: True)
    if page is None:
        return missing(Code.CHAPTER_NOT_FOUND, "after", request.key)
    chapters, more = page
    return {
        "chapter_progression": ListOf(
            chapters.length, (_rated(chapter, rules) for chapter in chapters.items)
        ),
        "story_deviation": rate_story(state.chapters.values(), rules.deviation),
        **more,
    }


def _quests(state: UserState, request: Read) -> Rows | Reply:
    def is_asked_for(quest: QuestRecord) -> bool:
        return not request.only or quest.status in request.only

    page = _page(state.quests, request, is_asked_for)
    if page is None:
        return missing(Code.QUEST_NOT_FOUND, "after", request.key)
    quests, more = page
    return {"quest_record": quests, **more}


def _battles(state: UserState, request: Read) -> Rows | Reply:
    def is_asked_for(battle: BattleState) -> bool:
        return not request.only or battle.outcome in request.only

    page = _page(state.battles, request, is_asked_for)
    if page is None:
        return missing(Code.BATTLE_NOT_FOUND, "after", request.key)
    battles, more = page
    return {"battle_state": battles, **more}


def _page(
    rows: Mapping[str, Row], request: Read, is_asked_for: Callable[[Row], bool]
) -> tuple[ListOf, dict[str, str]] | None:
    """The rows of one page, and `next_after` when there are more; None: no row is named `after`.

    A list of everything is made row by row as it is encoded.
    """
    if not (request.key or request.limit or request.only):
        return ListOf.of(rows.values()), {}
    if request.key and request.key not in rows:
        return None
    page: list[Row] = []
    last = ""
    for key in _after(rows, request.key):
        row = rows[key]
        if not is_asked_for(row):
            continue
        if request.limit and len(page) == request.limit:
            return ListOf.of(page), {"next_after": last}
        page.append(row)
        last = key
    return ListOf.of(page), {}


def _after(keys: Iterable[str], key: str) -> Iterable[str]:
    remaining = iter(keys)
    if key:
        for name in remaining:
            if name == key:
                break
    return remaining


def _rated(chapter: ChapterProgression, rules: Rules) -> Rows:
    return {**asdict(chapter), "deviation": rate(chapter, rules.deviation)}


def _history(state: UserState, after: int, limit: int) -> Rows:
    """Entries after sequence `after`; `next_after` when there are more."""
    begin = max(0, after - state.history_stored_through)
    page = state.history[begin : begin + limit]
    more = {"next_after": page[-1].sequence} if begin + limit < len(state.history) else {}
    return {"history": page, **more}
