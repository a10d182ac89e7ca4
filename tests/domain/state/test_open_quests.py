"""Open quests are found by what they ask for, as if all of them were looked through."""

from hypothesis import given
from hypothesis import strategies as st

from domain.state.open_quests import OpenQuests, OpenQuestsBuilder
from domain.state.rows import Objective, QuestRecord, QuestStatus, Reward
from tests.domain import script_kit
from tests.domain.decide import promises_kit as promises

TARGETS = ("wolf", "bear", "herb")


def quest(quest_id: str, status: QuestStatus, targets: list[str]) -> QuestRecord:
    objectives = tuple(Objective(f"kind-{n}", target, 3, 0) for n, target in enumerate(targets))
    return QuestRecord(quest_id, "u", None, status, objectives, Reward(), 1, 1)


changes = st.lists(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(QuestStatus)), max_size=3),
    max_size=12,
)
asked = st.fixed_dictionaries(
    {quest_id: st.lists(st.sampled_from(TARGETS), max_size=3) for quest_id in "abcde"}
)


@given(changes, asked)
def test_they_are_those_that_a_look_through_all_quests_finds(
    changes: list[list[tuple[str, QuestStatus]]], asked: dict[str, list[str]]
) -> None:
    found, kept = OpenQuests(), dict[str, QuestRecord]()
    for change in changes:
        rows = {quest_id: quest(quest_id, status, asked[quest_id]) for quest_id, status in change}
        found = found.put(tuple(rows.values()))
        for row in rows.values():
            if row.status.open:
                kept[row.quest_id] = row
            else:
                kept.pop(row.quest_id, None)
        assert dict(found.rows) == kept
        assert found.objectives == sum(len(row.objectives) for row in kept.values())
        for target in TARGETS:
            expected = {key for key, row in kept.items() if target in asked[key]}
            listed = [row.quest_id for row in found.asking_for(target)]
            assert (set(listed), len(listed)) == (expected, len(expected))
        assert set(found.by_target) == {target for key in kept for target in asked[key]}


def test_the_first_offered_is_moved_first() -> None:
    state = script_kit.given(
        "offer b need=a:x:9; offer a need=a:x:9; offer c need=a:x:9; abandon a"
    )
    assert [row.quest_id for row in state.open_quests.asking_for("x")] == ["b", "c"]
    builder = OpenQuestsBuilder()
    for row in state.open_quests.rows.values():
        builder.add(row)
    assert builder.open_quests() == state.open_quests


def test_a_signal_looks_at_no_quest_that_asks_for_something_else() -> None:
    promises.a_signal_looks_at_no_other_quest()
