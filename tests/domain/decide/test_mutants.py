"""Mutation tests: rules of the domain are broken in turn, and a promise has to be found broken."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from domain.decide import once, undo
from domain.game import goods, quests
from domain.messages.rejections import Rejection
from domain.state.history import HistoryEntry
from domain.state.known_ids import KnownIds
from domain.state.open_quests import OpenQuests
from domain.state.persistent_list import PersistentList
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import ChapterProgression, QuestRecord
from domain.state.user_state import UserState
from tests.domain.decide import promises_kit as promises

Patch = pytest.MonkeyPatch


def tells_everything_held(patch: Patch) -> None:
    """A change of one stack carries all that are held."""
    add = goods._add

    def all_of_them(kind: str, held: Mapping[str, int], gained: dict[str, int]) -> Any:
        after = add(kind, held, gained)
        return after if isinstance(after, Rejection) else {**held, **after}

    patch.setattr(goods, "_add", all_of_them)


def keeps_stacks_of_0(patch: Patch) -> None:
    """A stack that is gone stays as a row of 0."""
    patch.setattr(
        "domain.state.user_state._put_amounts",
        lambda held, changed: held.put(changed) if changed else held,
    )


def takes_from_newer_plans(patch: Patch) -> None:
    """An undo takes from the ledger of a plan that was written after the grant."""

    def ledger_of(state: UserState, grant: HistoryEntry) -> ChapterProgression | None:
        return None if grant.chapter_id is None else state.chapters.get(grant.chapter_id)

    patch.setattr(undo, "_ledger_of", ledger_of)


def undoes_one_grant_of_two(patch: Patch) -> None:
    """Of two grants under one id only the newest is taken back."""
    to_undo = undo._grants_to_undo

    def newest(*arguments: Any) -> Any:
        grants = to_undo(*arguments)
        return grants if isinstance(grants, Rejection) else grants[-1:]

    patch.setattr(undo, "_grants_to_undo", newest)


def undoes_twice(patch: Patch) -> None:
    """What was undone is taken back again."""
    patch.setattr(
        undo,
        "entries_about",
        lambda entries, command_id: tuple(
            entry for entry in entries if undo._is_grant_of(entry, command_id)
        ),
    )


def _receipt_gone(is_known: Callable[[str, int, UserState, int], bool]) -> Callable[..., Any]:
    gone = once.receipt_gone

    def mutant(command_id: str, since: str | None, state: UserState, receipts: Receipts) -> Any:
        era, _, version = (since or "").partition(".")
        if since and is_known(era, int(version), state, receipts.oldest_version(state.version)):
            return None
        return gone(command_id, since, state, receipts)

    return mutant


def believes_any_era(patch: Patch) -> None:
    """A version counts in whatever line of versions it is."""
    mutant = _receipt_gone(
        lambda era, version, state, oldest: oldest - 1 <= version <= state.version
    )
    patch.setattr(once, "receipt_gone", mutant)


def believes_one_version_more(patch: Patch) -> None:
    """Receipts are said to reach back one version further than they do."""
    mutant = _receipt_gone(
        lambda era, version, state, oldest: era == state.era and oldest - 2 == version
    )
    patch.setattr(once, "receipt_gone", mutant)


def believes_versions_to_come(patch: Patch) -> None:
    """A version that was never reached is believed."""
    mutant = _receipt_gone(
        lambda era, version, state, oldest: era == state.era and version > state.version
    )
    patch.setattr(once, "receipt_gone", mutant)


def moves_the_first_quest_only(patch: Patch) -> None:
    """A signal moves the first quest that asks for it."""
    asking_for = OpenQuests.asking_for
    patch.setattr(OpenQuests, "asking_for", lambda self, target: list(asking_for(self, target))[:1])


def signals_whatever_kind(patch: Patch) -> None:
    """An objective is moved by every signal about its target."""
    record_signal = quests.record_signal

    def any_kind(quest: QuestRecord, kind: str, *rest: Any) -> QuestRecord:
        return record_signal(quest, quest.objectives[0].kind, *rest)

    patch.setattr(quests, "record_signal", any_kind)


def counts_no_objectives(patch: Patch) -> None:
    """Objectives of open quests are not counted."""
    put = OpenQuests.put
    patch.setattr(OpenQuests, "put", lambda self, rows: replace(put(self, rows), objectives=0))


def looks_through_all_quests(patch: Patch) -> None:
    """A signal looks at every open quest."""
    patch.setattr(OpenQuests, "asking_for", lambda self, target: self.rows.values())


def forgets_that_ids_were_granted(patch: Patch) -> None:
    """An id that the history names is forgotten when its receipt is packed."""

    def not_loose(self: Receipts, command_id: str) -> None:
        del self._loose[command_id]
        self._granted.discard(command_id)

    patch.setattr(Receipts, "_not_loose", not_loose)


def keeps_packed_receipts_too_long(patch: Patch) -> None:
    """A packed receipt is found for as long as its block is there."""
    find = Receipts.find

    def beyond_the_window(self: Receipts, command_id: str) -> Receipt | None:
        gone, self._gone = self._gone, 0
        receipt = find(self, command_id)
        self._gone = gone
        return receipt

    patch.setattr(Receipts, "find", beyond_the_window)


def counts_off_no_places(patch: Patch) -> None:
    """The places of ids that went are not counted off."""
    patch.setattr(KnownIds, "drop_oldest", lambda self, count: None)


def packs_in_the_wrong_order(patch: Patch) -> None:
    """A list that is packed begins with its newest items."""
    packed = PersistentList.packed

    def turned(self: PersistentList[Any]) -> PersistentList[Any]:
        after = packed(self)
        return replace(after, _blocks=after._blocks[::-1])

    patch.setattr(PersistentList, "packed", turned)


def the_table_says(table: str, case: str) -> Callable[[], None]:
    return partial(promises.the_table_says, table, case)


def since_says(case: str) -> Callable[[], None]:
    return partial(promises.since_says, case)


CAUGHT: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (tells_everything_held, promises.a_change_carries_the_stacks_that_changed),
    (keeps_stacks_of_0, the_table_says("history", "a quest's goods go back")),
    (takes_from_newer_plans, the_table_says("history", "a new plan's ledger is not touched")),
    (takes_from_newer_plans, the_table_says("history", "nor are the shares of a new story")),
    (undoes_one_grant_of_two, the_table_says("history", "both grants of the same id")),
    (undoes_twice, the_table_says("history", "a grant is undone once")),
    (undoes_twice, the_table_says("history", "the one that was not undone yet")),
    (believes_any_era, since_says("another era")),
    (believes_one_version_more, since_says("one version earlier a receipt is missing")),
    (believes_versions_to_come, since_says("a version that was never reached")),
    (moves_the_first_quest_only, the_table_says("signals", "every quest that asks for it moves")),
    (signals_whatever_kind, the_table_says("signals", "another kind is another signal")),
    (counts_no_objectives, promises.objectives_of_open_quests_are_bounded),
    (looks_through_all_quests, promises.a_signal_looks_at_no_other_quest),
    (
        forgets_that_ids_were_granted,
        promises.ids_that_granted_are_known_when_their_receipts_are_packed,
    ),
    (
        keeps_packed_receipts_too_long,
        promises.packed_receipts_are_found_until_they_leave_the_window,
    ),
    (counts_off_no_places, promises.packed_receipts_are_found_until_they_leave_the_window),
    (packs_in_the_wrong_order, promises.a_packed_state_is_the_same_state),
]


@pytest.mark.parametrize(
    ("mutant", "check"), CAUGHT, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_broken_rule_is_caught(
    mutant: Callable[[Patch], None], check: Callable[[], None], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, IndexError)):
        check()


def test_unbroken_the_promises_are_kept() -> None:
    for _, check in CAUGHT:
        check()
