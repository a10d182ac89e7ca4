"""What holds for every sequence of commands, whatever state it starts in."""

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict

from domain.commands import Command
from domain.decide import decide, progression_of
from domain.events import (
    AffinityChanged,
    AnyEvent,
    ChapterLedgerApplied,
    ChapterPlanned,
    CurrencyGranted,
    ExperienceGranted,
    ItemsGranted,
    LevelReached,
    LevelUpsAcknowledged,
)
from domain.rejections import Rejection
from domain.rows import INTEGER_MAX, BattleOutcome, QuestStatus, chapter_progression_id
from domain.state import NOTHING, Changes, Decision, UserState
from tests.strategies import RULES, command_lists, played, starts

Step = tuple[UserState, Command, Decision | Rejection, UserState]


def steps(state: UserState, commands: list[Command]) -> Iterator[Step]:
    """(state before, command, answer, state after), one command after the other."""
    for now, command in enumerate(commands, start=1):
        answer = decide(state, command, now, RULES)
        changed = isinstance(answer, Decision) and answer.changes != NOTHING
        after = state.put(answer.changes) if changed else state
        yield state, command, answer, after
        state = after


def events_of(state: UserState, commands: list[Command]) -> list[AnyEvent]:
    return [
        event
        for _, _, answer, _ in steps(state, commands)
        if isinstance(answer, Decision)
        for event in answer.events
    ]


def numbers(value: object) -> Iterator[int]:
    """Every integer inside `value`."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, Struct):
        yield from numbers(list(asdict(value).values()))
    elif isinstance(value, dict):
        yield from numbers(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same content with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(one, dice) for one in value] if isinstance(value, list) else value


@given(starts, command_lists())
def test_deciding_changes_nothing_it_was_given(state: UserState, commands: list[Command]) -> None:
    for now, command in enumerate(commands, start=1):
        before, asked = copy.deepcopy(state), copy.deepcopy(command)
        answer = decide(state, command, now, RULES)
        assert (state, command) == (before, asked)
        if isinstance(answer, Decision) and answer.changes != NOTHING:
            after = state.put(answer.changes)
            assert state == before
            state = after


@given(starts, command_lists())
def test_the_version_rises_by_one_with_each_change_and_not_without(
    state: UserState, commands: list[Command]
) -> None:
    for before, _, answer, after in steps(state, commands):
        changed = isinstance(answer, Decision) and bool(answer.events)
        assert after.version == before.version + changed
        # Events and changes come together: neither is there without the other.
        assert (after != before) is changed


@given(starts, command_lists())
def test_only_rows_that_changed_are_in_the_changes(
    state: UserState, commands: list[Command]
) -> None:
    for before, _, answer, after in steps(state, commands):
        if isinstance(answer, Rejection):
            continue
        changes = answer.changes
        if changes.player_progression is not None:
            assert changes.player_progression != before.player_progression
        for chapter in changes.chapter_progression:
            assert chapter != before.chapters.get(chapter.chapter_id)
        for quest in changes.quest_record:
            assert quest != before.quests.get(quest.quest_id)
        for battle in changes.battle_state:
            assert battle != before.battles.get(battle.battle_id)
        assert after.put(changes) == msgspec.structs.replace(after, version=after.version + 1)


@given(starts, command_lists(), st.randoms(use_true_random=False))
def test_putting_the_stored_changes_again_gives_the_same_state(
    state: UserState, commands: list[Command], dice: random.Random
) -> None:
    replayed = state
    for _, _, answer, after in steps(state, commands):
        if isinstance(answer, Rejection) or answer.changes == NOTHING:
            continue
        for codec in (msgspec.msgpack, msgspec.json):
            plain = shuffled(codec.decode(codec.encode(answer.changes)), dice)
            stored = codec.decode(codec.encode(plain), type=Changes)
            assert stored == answer.changes
        replayed = replayed.put(stored)
        assert replayed == after


@given(starts, command_lists())
def test_a_state_and_its_events_survive_both_encodings(
    state: UserState, commands: list[Command]
) -> None:
    events = events_of(state, commands)
    after = played(state, commands)
    for codec in (msgspec.msgpack, msgspec.json):
        assert codec.decode(codec.encode(after), type=UserState) == after
        assert codec.decode(codec.encode(events), type=list[AnyEvent]) == events


@given(starts, command_lists())
def test_every_number_fits_in_63_bits_and_only_affinity_is_ever_negative(
    state: UserState, commands: list[Command]
) -> None:
    for _, _, answer, after in steps(state, commands):
        assert all(abs(number) <= INTEGER_MAX for number in numbers(after))
        rows = (after.player_progression, after.chapters, after.battles, after.wallet)
        goods_held = (after.inventory, after.version, *rows)
        assert all(number >= 0 for number in numbers(goods_held))
        if isinstance(answer, Decision):
            assert all(abs(number) <= INTEGER_MAX for number in numbers(list(answer.events)))


@given(starts, command_lists())
def test_levels_and_experience_always_add_up(state: UserState, commands: list[Command]) -> None:
    for before, _, _, after in steps(state, commands):
        row = progression_of(after, RULES)
        level = RULES.levels[row.level - 1]
        assert row.total_xp == level.cumulative_xp + row.current_level_xp
        assert row.xp_to_next_level == level.xp_to_next
        assert row.current_level_xp >= 0
        assert row.level == RULES.level_cap or row.current_level_xp < row.xp_to_next_level
        assert row.total_xp >= progression_of(before, RULES).total_xp
        assert 0 <= row.pending_level_ups < row.level


@given(starts, command_lists())
def test_the_total_is_the_sum_of_what_was_granted(
    state: UserState, commands: list[Command]
) -> None:
    events, after = events_of(state, commands), played(state, commands)
    first, last = progression_of(state, RULES), progression_of(after, RULES)
    granted = sum(event.amount for event in events if isinstance(event, ExperienceGranted))
    reached = [event.level for event in events if isinstance(event, LevelReached)]
    shown = sum(event.count for event in events if isinstance(event, LevelUpsAcknowledged))
    assert last.total_xp == first.total_xp + granted
    assert reached == list(range(first.level + 1, last.level + 1))
    assert last.pending_level_ups == first.pending_level_ups + len(reached) - shown


@given(starts, command_lists())
def test_goods_are_the_sum_of_what_was_given(state: UserState, commands: list[Command]) -> None:
    sums: dict[str, Counter[str]] = {
        name: Counter(getattr(state, name)) for name in ("inventory", "wallet", "affinity")
    }
    for event in events_of(state, commands):
        match event:
            case ItemsGranted(item_id=name, count=amount):
                sums["inventory"][name] += amount
            case CurrencyGranted(currency=name, amount=amount):
                sums["wallet"][name] += amount
            case AffinityChanged(npc_id=name, amount=amount):
                sums["affinity"][name] += amount
    after = played(state, commands)
    for name, expected in sums.items():
        assert getattr(after, name) == dict(expected)


@given(command_lists())
def test_a_ledger_is_the_sum_of_its_entries_since_its_plan(commands: list[Command]) -> None:
    sums: dict[str, tuple[int, int, int]] = {}
    for event in events_of(UserState("u"), commands):
        if isinstance(event, ChapterPlanned):
            sums[event.chapter_id] = (0, 0, 0)
        elif isinstance(event, ChapterLedgerApplied):
            quest, hostile, defeats = sums[event.chapter_id]
            sums[event.chapter_id] = (
                quest + event.quest_xp,
                hostile + event.hostile_xp,
                defeats + event.defeats,
            )
    chapters = played(UserState("u"), commands).chapters
    assert {
        name: (row.actual_quest_xp, row.actual_hostile_xp, row.actual_hostile_defeat_count)
        for name, row in chapters.items()
    } == sums


@given(starts, command_lists())
def test_what_is_over_never_changes_again(state: UserState, commands: list[Command]) -> None:
    for before, _, _, after in steps(state, commands):
        for name, quest in before.quests.items():
            if quest.status in (QuestStatus.TURNED_IN, QuestStatus.ABANDONED):
                assert after.quests[name] == quest
        for name, battle in before.battles.items():
            if battle.outcome is not BattleOutcome.ONGOING:
                assert after.battles[name] == battle


@given(starts, command_lists())
def test_every_row_is_the_users_own_and_stands_under_its_id(
    state: UserState, commands: list[Command]
) -> None:
    after = played(state, commands)
    for name, quest in after.quests.items():
        assert (quest.quest_id, quest.user_id) == (name, "u")
    for name, battle in after.battles.items():
        assert (battle.battle_id, battle.user_id) == (name, "u")
    for name, chapter in after.chapters.items():
        assert (chapter.chapter_id, chapter.user_id) == (name, "u")
        assert chapter.chapter_progression_id == chapter_progression_id("u", name)
    for row in [*after.quests.values(), *after.battles.values(), *after.chapters.values()]:
        assert 1 <= row.created_at <= row.updated_at <= len(commands)


@given(starts, command_lists())
def test_the_same_sequence_gives_the_same_answers(
    state: UserState, commands: list[Command]
) -> None:
    assert list(steps(state, commands)) == list(steps(copy.deepcopy(state), commands))
