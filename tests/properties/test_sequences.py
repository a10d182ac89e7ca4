"""What holds for every sequence of commands, whatever state it starts in."""

import copy
import random
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.decide.dispatch import decide
from domain.game.progression import progression_of
from domain.messages.commands import Command, UndoGrant
from domain.messages.decision import Decision
from domain.messages.events import (
    AffinityChanged,
    AnyEvent,
    ChapterLedgerApplied,
    ChapterPlanned,
    CurrencyGranted,
    ExperienceGranted,
    GrantUndone,
    ItemsGranted,
    LevelReached,
    LevelUpsAcknowledged,
    ProgressionRebased,
)
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import (
    INTEGER_MAX,
    BattleOutcome,
    QuestStatus,
    Reward,
    Source,
    chapter_progression_id,
)
from domain.state.user_state import NOTHING, Changes, UserState
from persistence.codec.snapshots import Rows, rows_of, state_of
from questkeep_testing.strategies.commands import command_lists
from questkeep_testing.strategies.states import played, rulesets, starts
from tests.properties.steps_kit import events_of, not_zero, numbers, shuffled, steps


@given(starts, rulesets, command_lists())
def test_deciding_changes_nothing_it_was_given(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for now, command in enumerate(commands, start=1):
        before, asked = copy.deepcopy(state), copy.deepcopy(command)
        answer = decide(state, command, now, rules)
        assert (state, command) == (before, asked)
        if isinstance(answer, Decision) and answer.changes != NOTHING:
            after = state.put(answer.changes)
            assert state == before
            state = after


@given(starts, rulesets, command_lists())
def test_the_version_rises_by_one_with_each_change_and_not_without(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for before, _, answer, after in steps(state, rules, commands):
        changed = isinstance(answer, Decision) and bool(answer.events)
        assert after.version == before.version + changed
        # Events and changes come together: neither is there without the other.
        assert (after != before) is changed


@given(starts, rulesets, command_lists())
def test_only_rows_that_changed_are_in_the_changes(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for before, _, answer, after in steps(state, rules, commands):
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
        for tally in changes.repeat_tally:
            assert tally != before.repeats.get(tally.scope)
        assert [entry.sequence for entry in changes.history] == list(
            range(before.next_sequence, after.next_sequence)
        )
        rows = msgspec.structs.replace(changes, history=())
        assert after.put(rows) == msgspec.structs.replace(after, version=after.version + 1)


@given(starts, rulesets, command_lists(), st.randoms(use_true_random=False))
def test_putting_the_stored_changes_again_gives_the_same_state(
    state: UserState, rules: Rules, commands: list[Command], dice: random.Random
) -> None:
    replayed = state
    for _, _, answer, after in steps(state, rules, commands):
        if isinstance(answer, Rejection) or answer.changes == NOTHING:
            continue
        for codec in (msgspec.msgpack, msgspec.json):
            plain = shuffled(codec.decode(codec.encode(answer.changes)), dice)
            stored = codec.decode(codec.encode(plain), type=Changes)
            assert stored == answer.changes
        replayed = replayed.put(stored)
        assert replayed == after


@given(starts, rulesets, command_lists())
def test_a_state_and_its_events_survive_both_encodings(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    events = events_of(state, rules, commands)
    after = played(state, commands, rules)
    for codec in (msgspec.msgpack, msgspec.json):
        rows = codec.decode(codec.encode(rows_of(after)), type=Rows)
        assert state_of(after.user_id, after.era, after.version, rows) == after
        assert codec.decode(codec.encode(events), type=list[AnyEvent]) == events


@given(starts, rulesets, command_lists())
def test_every_number_fits_in_53_bits_and_only_affinity_is_ever_negative(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for _, _, answer, after in steps(state, rules, commands):
        assert all(abs(number) <= INTEGER_MAX for number in numbers(after))
        battles = [
            msgspec.structs.replace(battle, reward=Reward()) for battle in after.battles.values()
        ]
        rows = (after.player_progression, after.chapters, battles, after.wallet)
        goods_held = (after.inventory, after.version, after.repeats, *rows)
        assert all(number >= 0 for number in numbers(goods_held))
        if isinstance(answer, Decision):
            assert all(abs(number) <= INTEGER_MAX for number in numbers(list(answer.events)))


@given(starts, rulesets, command_lists())
def test_levels_and_experience_always_add_up(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for before, command, _, after in steps(state, rules, commands):
        row = progression_of(after, rules)
        level = rules.levels[row.level - 1]
        assert row.total_xp == level.cumulative_xp + row.current_level_xp
        assert row.xp_to_next_level == level.xp_to_next
        assert row.current_level_xp >= 0
        assert row.level == rules.level_cap or row.current_level_xp < row.xp_to_next_level
        assert row.total_xp >= progression_of(before, rules).total_xp or isinstance(
            command, UndoGrant
        )
        assert 0 <= row.pending_level_ups < row.level


@given(starts, rulesets, command_lists())
def test_the_total_is_the_sum_of_what_was_granted(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    first, last = (
        progression_of(state, rules),
        progression_of(played(state, commands, rules), rules),
    )
    total, level, pending = first.total_xp, first.level, first.pending_level_ups
    for event in events_of(state, rules, commands):
        match event:
            case ExperienceGranted(amount=amount):
                total += amount
            case LevelReached(level=reached):
                assert reached == level + 1
                level, pending = reached, pending + 1
            case LevelUpsAcknowledged(count=count):
                pending -= count
            case GrantUndone(level=fallen, taken=taken):
                total -= taken.experience or 0
                level, pending = fallen, max(0, pending - (level - fallen))
            case ProgressionRebased(raised_by=raised):
                total += raised
    assert (last.total_xp, last.level, last.pending_level_ups) == (total, level, pending)


@given(starts, rulesets, command_lists())
def test_goods_are_the_sum_of_what_was_given(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    sums: dict[str, Counter[str]] = {
        name: Counter(getattr(state, name)) for name in ("inventory", "wallet", "affinity")
    }
    for event in events_of(state, rules, commands):
        match event:
            case ItemsGranted(item_id=name, count=amount):
                sums["inventory"][name] += amount
            case CurrencyGranted(currency=name, amount=amount):
                sums["wallet"][name] += amount
            case AffinityChanged(npc_id=name, amount=amount):
                sums["affinity"][name] += amount
            case GrantUndone(taken=taken):
                sums["inventory"].subtract(taken.items)
                sums["wallet"].subtract(taken.currency)
                sums["affinity"].subtract(taken.affinity)
    after = played(state, commands, rules)
    for name, expected in sums.items():
        assert not_zero(getattr(after, name)) == not_zero(expected)


@given(rulesets, command_lists())
def test_a_ledger_is_the_sum_of_its_entries_since_its_plan(
    rules: Rules, commands: list[Command]
) -> None:
    sums: dict[str, tuple[int, int, int]] = {}
    for _, _, answer, after in steps(UserState("u"), rules, commands):
        for event in answer.events if isinstance(answer, Decision) else ():
            match event:
                case ChapterPlanned(chapter_id=name):
                    sums[name] = (0, 0, 0)
                case ChapterLedgerApplied(chapter_id=name):
                    quest, hostile, defeats = sums[name]
                    sums[name] = (
                        quest + event.quest_xp,
                        hostile + event.hostile_xp,
                        defeats + event.defeats,
                    )
                case GrantUndone(sequence=sequence):
                    entry = after.history[sequence - 1]
                    if entry.chapter_id is not None:
                        is_quest = entry.source is Source.QUEST
                        quest, hostile, defeats = sums[entry.chapter_id]
                        sums[entry.chapter_id] = (
                            max(0, quest - entry.amount) if is_quest else quest,
                            hostile if is_quest else max(0, hostile - entry.amount),
                            defeats,
                        )
    chapters = played(UserState("u"), commands, rules).chapters
    assert {
        name: (row.actual_quest_xp, row.actual_hostile_xp, row.actual_hostile_defeat_count)
        for name, row in chapters.items()
    } == sums


@given(starts, rulesets, command_lists())
def test_what_is_over_never_changes_again(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for before, _, _, after in steps(state, rules, commands):
        for name, quest in before.quests.items():
            if quest.status in (QuestStatus.TURNED_IN, QuestStatus.ABANDONED):
                assert after.quests[name] == quest
        for name, battle in before.battles.items():
            if battle.outcome is not BattleOutcome.ONGOING:
                assert after.battles[name] == battle


@given(starts, rulesets, command_lists())
def test_every_row_is_the_users_own_and_stands_under_its_id(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    after = played(state, commands, rules)
    for name, quest in after.quests.items():
        assert (quest.quest_id, quest.user_id) == (name, "u")
    for name, battle in after.battles.items():
        assert (battle.battle_id, battle.user_id) == (name, "u")
    for name, chapter in after.chapters.items():
        assert (chapter.chapter_id, chapter.user_id) == (name, "u")
        assert chapter.chapter_progression_id == chapter_progression_id("u", name)
    for row in [*after.quests.values(), *after.battles.values(), *after.chapters.values()]:
        assert 1 <= row.created_at <= row.updated_at <= len(commands)


@given(starts, rulesets, command_lists())
def test_the_same_sequence_gives_the_same_answers(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    assert list(steps(state, rules, commands)) == list(steps(copy.deepcopy(state), rules, commands))
