"""What holds for rewards and their history, whatever was granted, modified, undone or rebased."""

import asyncio
import random
from collections import Counter
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.decide.dispatch import decide
from domain.game.progression import progression_of
from domain.messages.commands import Command, RebaseProgression, UndoGrant, decode_command
from domain.messages.decision import Decision
from domain.messages.events import ExperienceGranted
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.state.history import HISTORY_PAGE, HISTORY_TAIL, Cause, HistoryEntry
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import QuestStatus
from domain.state.user_state import NOTHING, UserState, history_page
from persistence.codec.formats import FORMAT
from persistence.codec.history_pages import read_page, write_page
from persistence.codec.records import Record, decode_decision, encode_decision
from persistence.codec.snapshots import Snapshot, decode_snapshot, encode_snapshot
from persistence.journal.recovery import put_records
from persistence.memory import MemoryStore, World
from questkeep_testing.strategies.commands import amounts, command_fields, command_lists
from questkeep_testing.strategies.states import played, rulesets, starts
from tests.domain.script_kit import SMALL_TEXT
from tests.properties.steps_kit import not_zero, shuffled, steps

NEW = UserState("u")
OTHER = compile_rules(SMALL_TEXT)
"""Rules under which nothing in these tests was decided."""
_encoded = msgspec.msgpack.Encoder().encode


@given(rulesets, rulesets | st.just(OTHER), command_lists(), command_lists())
def test_the_history_of_a_new_user_adds_up_to_what_they_have(
    rules: Rules, later: Rules, commands: list[Command], more: list[Command]
) -> None:
    after = played(played(NEW, commands, rules), more, later)
    sums = {name: Counter[str]() for name in ("items", "currency", "affinity")}
    for entry in after.history:
        for name, held in sums.items():
            held.update(getattr(entry, name))
    assert progression_of(after, later).total_xp == sum(one.amount for one in after.history)
    assert not_zero(after.inventory) == not_zero(sums["items"])
    assert not_zero(after.wallet) == not_zero(sums["currency"])
    assert not_zero(after.affinity) == not_zero(sums["affinity"])


@given(starts, rulesets, command_lists())
def test_every_entry_tells_the_command_that_made_it(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for now, (before, command, answer, after) in enumerate(steps(state, rules, commands), start=1):
        for entry in after.history[len(before.history) :]:
            assert isinstance(answer, Decision)
            assert entry.sequence == before.next_sequence == after.next_sequence - 1
            assert (entry.version, entry.at) == (after.version, now)
            assert (entry.command_id, entry.rules) == (command.command_id, rules.fingerprint)
            assert entry.level_before == progression_of(before, rules).level
            assert entry.level_after == progression_of(after, rules).level
            grown = progression_of(after, rules).total_xp - progression_of(before, rules).total_xp
            assert entry.amount == grown
            told = [event for event in answer.events if isinstance(event, ExperienceGranted)]
            assert [(one.planned, one.factors, one.amount) for one in told] in (
                [],
                [(entry.planned, entry.factors, entry.amount)],
            )
            # Each rule goes on where the one before it stopped, from the plan to the amount.
            chain = [entry.planned, *(factor.after for factor in entry.factors)]
            assert [factor.before for factor in entry.factors] == chain[:-1]
            assert chain[-1] == entry.amount


@given(command_lists(), command_lists())
def test_whatever_is_undone_or_rebased_under_other_rules_levels_stay_whole(
    commands: list[Command], more: list[Command]
) -> None:
    state = played(NEW, commands)
    for now, command in enumerate([*more, RebaseProgression(command_id="rebase")]):
        before = progression_of(state, OTHER)
        answer = decide(state, command, now, OTHER)
        if isinstance(answer, Decision) and answer.changes != NOTHING:
            state = state.put(answer.changes)
        row = progression_of(state, OTHER)
        assert row.level >= 1
        assert min(row.total_xp, row.current_level_xp, row.pending_level_ups) >= 0
        assert row.xp_to_next_level == 0 or row.current_level_xp < row.xp_to_next_level
        if not isinstance(command, UndoGrant):
            assert row.level >= before.level
            assert row.total_xp >= before.total_xp
    reached = OTHER.levels[OTHER.clamp_level(row.level) - 1]
    assert row.total_xp == reached.cumulative_xp + row.current_level_xp


@given(starts, rulesets, command_lists(), st.integers(1, 19))
def test_an_undo_right_after_its_grant_leads_back(
    state: UserState, rules: Rules, commands: list[Command], place: int
) -> None:
    before = played(state, commands[:place], rules)
    granted = played(before, commands[place : place + 1], rules)
    if not granted.history[len(before.history) :]:
        return
    entry = granted.history[-1]
    undo = UndoGrant(command_id="undo", undo_command_id=entry.command_id)
    if entry.cause in (Cause.UNDO, Cause.REBASE):
        return
    after = played(granted, [undo], rules)
    row, was = progression_of(after, rules), progression_of(before, rules)
    assert (row.level, row.total_xp, row.current_level_xp, row.xp_to_next_level) == (
        was.level, was.total_xp, was.current_level_xp, was.xp_to_next_level,
    )  # fmt: skip
    assert row.pending_level_ups == was.pending_level_ups
    for name in ("inventory", "wallet", "affinity"):
        assert not_zero(getattr(after, name)) == not_zero(getattr(before, name))
    for name, chapter in before.chapters.items():
        same = after.chapters[name]
        assert same.actual_quest_xp == chapter.actual_quest_xp
        assert same.actual_hostile_xp == chapter.actual_hostile_xp
    assert played(after, [undo], rules) == after


@given(starts, rulesets, command_lists())
def test_nothing_is_undone_twice(state: UserState, rules: Rules, commands: list[Command]) -> None:
    undone = [one.undoes for one in played(state, commands, rules).history if one.undoes]
    assert len(undone) == len(set(undone))


@given(rulesets, command_fields(["offer_quest"]), st.randoms(use_true_random=False))
def test_a_reward_settles_the_same_whatever_the_order_of_its_parts(
    rules: Rules, fields: dict[str, Any], dice: random.Random
) -> None:
    fields = {**fields, "quest_id": "q", "objectives": []}
    turn_in = decode_command({"command_id": "t", "type": "turn_in_quest", "quest_id": "q"})

    def paid_out(offer: dict[str, Any]) -> tuple[bytes, ...]:
        answer = decide(played(NEW, [decode_command(offer)], rules), turn_in, 5, rules)
        if isinstance(answer, Rejection):  # loot on top of the largest amount there is
            return (_encoded(answer.code),)
        rows = msgspec.structs.replace(answer.changes, quest_record=())
        return _encoded(rows), _encoded(answer.events)

    assert paid_out(shuffled(fields, dice)) == paid_out(fields)


@given(st.lists(command_fields(["offer_quest"]), min_size=2, max_size=4), st.data())
def test_independent_quests_pay_the_same_in_any_order(
    offers: list[dict[str, Any]], data: st.DataObject
) -> None:
    quests = [f"q{number}" for number in range(len(offers))]
    offered = [
        decode_command({**fields, "quest_id": quest, "objectives": []})
        for fields, quest in zip(offers, quests, strict=True)
    ]
    turn_ins = {
        quest: decode_command({"command_id": quest, "type": "turn_in_quest", "quest_id": quest})
        for quest in quests
    }
    state, other = played(NEW, offered), data.draw(st.permutations(quests))
    one = played(state, [turn_ins[quest] for quest in quests])
    two = played(state, [turn_ins[quest] for quest in other])
    # Beyond the largest amount a quest is refused, and the order decides which one.
    for after in (one, two):
        assume(all(row.status is QuestStatus.TURNED_IN for row in after.quests.values()))
    row, same = (progression_of(after, OTHER) for after in (one, two))
    assert (row.level, row.total_xp) == (same.level, same.total_xp)
    assert (one.inventory, one.wallet) == (two.inventory, two.wallet)
    assert one.affinity == two.affinity


@given(rulesets, command_lists(max_size=30), st.integers(0, 30))
def test_what_was_stored_is_the_past_whatever_the_rules_are_now(
    rules: Rules, commands: list[Command], snapshot_at: int
) -> None:
    records, stored = [], Snapshot(NEW, [])
    after = NEW
    for number, (_, command, answer, after) in enumerate(steps(NEW, rules, commands)):
        if isinstance(answer, Decision) and answer.changes != NOTHING:
            stored_decision = encode_decision(answer)
            record = Record(
                FORMAT, "u", "", after.version, command.command_id, b"", stored_decision
            )
            records.append(("here", record))
        if number == snapshot_at:
            stored = decode_snapshot(encode_snapshot(after, Receipts(9)), "here")
            records = []
    recovered = put_records(stored, records, 9)
    read = decode_snapshot(encode_snapshot(recovered.state, recovered.receipts), "here")
    assert read.state == recovered.state == after
    # Reading under other rules changes nothing that was written.
    if after.player_progression is not None:
        assert progression_of(read.state, OTHER) == after.player_progression
    assert {entry.rules for entry in read.state.history} <= {rules.fingerprint}


@given(starts, rulesets, command_lists(max_size=30))
def test_every_decision_and_snapshot_comes_back_from_its_array_form(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    for _, _, answer, _ in steps(state, rules, commands):
        if isinstance(answer, Decision):
            assert decode_decision(encode_decision(answer), "here") == answer
    after = played(state, commands, rules)
    receipts = [Receipt("c", b"fingerprint", after.version, b"decision")]
    read = decode_snapshot(encode_snapshot(after, receipts), "here")
    assert (read.state, list(read.receipts)) == (after, receipts)


@given(starts, rulesets, command_lists(min_size=1, max_size=30))
def test_a_page_comes_back_as_it_was(
    state: UserState, rules: Rules, commands: list[Command]
) -> None:
    entries = played(state, commands, rules).history[:]
    assume(entries)
    store = MemoryStore(World())

    async def written_and_read() -> list[HistoryEntry]:
        await write_page(store, "u", entries)
        return await read_page(store, "u", entries[0].sequence)

    assert asyncio.run(written_and_read()) == list(entries)


@given(st.integers(0, 700), st.integers(0, 700), amounts)
def test_pages_and_tail_together_are_the_whole_history(
    entries: int, pause: int, amount: int
) -> None:
    stored, state = [], NEW
    for number in range(entries):
        fields = {"command_id": f"k{number}", "type": "grant_player_progression_experience"}
        state = played(state, [decode_command({**fields, "amount": 1})])
        page = history_page(state) if number >= pause else None
        if page is not None:
            assert page[0].sequence == len(stored) + 1
            assert len(page) == HISTORY_PAGE
            assert history_page(state) == page  # until it is told to go
            stored += page
            state = state.without_history_through(page[-1].sequence)
            assert state.history_stored_through == len(stored)
    assert [one.sequence for one in [*stored, *state.history]] == list(range(1, entries + 1))
    assert len(state.history) >= min(entries, HISTORY_TAIL)
    assert (
        state.without_history_through(amount).history[-HISTORY_TAIL:]
        == (state.history[-HISTORY_TAIL:])
    )
