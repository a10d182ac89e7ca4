"""What holds for single values: grants, damage, ids, fingerprints, receipts, decoding."""

import random
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.game.chapters import NOTHING_PROMISED
from domain.game.combat import damage
from domain.game.profiles import PlanInForce, player_profile, resolve_hostile
from domain.game.progression import (
    default_player_progression,
    grant_player_progression_experience,
    rebase_progression,
    take_experience,
)
from domain.ids import is_id
from domain.messages.command_parts import EXPERIENCE_REWARD_MAX
from domain.messages.commands import canonical, command_adapter, decode_command, fingerprint
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import (
    INTEGER_MAX,
    ChapterProgression,
    Origin,
    PlayerProgression,
    Source,
    chapter_progression_id,
)
from domain.state.user_state import UserState
from questkeep_testing.strategies.commands import command_fields, ids, summable, user_ids
from questkeep_testing.strategies.states import RULES, chapter_rows
from tests.domain.script_kit import given as given_by
from tests.domain.table_kit import CASES

SMALL_TEXT = (CASES / "small.toml").read_text(encoding="utf-8")
costs = st.lists(st.integers(1, 50) | st.integers(1, 10**15), min_size=1, max_size=12).map(sorted)
rules_of_any_curve = costs.map(
    lambda curve: compile_rules(SMALL_TEXT.replace("[100, 200, 300, 400]", str(curve)))
)
curves = st.just(RULES) | rules_of_any_curve
stances = st.integers(0, 1_000_000)
strengths = st.integers(1, 1000) | st.integers(1, 10**15)


@given(curves, curves, st.lists(summable, max_size=4))
def test_a_rebase_takes_no_level_and_keeps_the_curve_whatever_the_curve_was(
    old: Rules, new: Rules, grants: list[int]
) -> None:
    row = default_player_progression("u", old)
    for amount in grants:
        row = granted(row, amount, old)
    after = rebase_progression(row, 9, new)
    assert after.level >= row.level
    assert after.total_xp >= row.total_xp
    assert after.pending_level_ups - row.pending_level_ups == after.level - row.level
    reached = new.levels[new.clamp_level(after.level) - 1]
    assert after.total_xp == reached.cumulative_xp + after.current_level_xp
    assert after.xp_to_next_level == new.xp_to_next(after.level)
    assert 0 <= after.current_level_xp
    assert after.current_level_xp < after.xp_to_next_level or after.level >= new.level_cap
    assert rebase_progression(after, 10, new) is after


@given(curves, st.lists(summable, max_size=3), summable)
def test_taking_back_what_was_granted_leads_back(rules: Rules, before: list[int], a: int) -> None:
    row = default_player_progression("u", rules)
    for amount in before:
        row = granted(row, amount, rules)
    after = take_experience(granted(row, a, rules), a, 7, rules)
    assert msgspec.structs.replace(after, created_at=0, updated_at=0, last_granted_source=None) == (
        msgspec.structs.replace(row, created_at=0, updated_at=0, last_granted_source=None)
    )


def granted(row: PlayerProgression, amount: int, rules: Rules) -> PlayerProgression:
    after = grant_player_progression_experience(row, amount, Source.QUEST, 7, rules)
    assert isinstance(after, PlayerProgression)
    return after


@given(curves, st.lists(summable, max_size=4), summable, summable)
def test_one_grant_of_a_and_b_is_a_grant_of_a_then_of_b(
    rules: Rules, before: list[int], a: int, b: int
) -> None:
    row = default_player_progression("u", rules)
    for amount in before:
        row = granted(row, amount, rules)
    assert granted(row, a + b, rules) == granted(granted(row, a, rules), b, rules)
    assert granted(row, a + b, rules) == granted(granted(row, b, rules), a, rules)


@given(curves, st.lists(summable, max_size=6))
def test_any_grants_keep_the_curve(rules: Rules, grants: list[int]) -> None:
    row = default_player_progression("u", rules)
    for amount in grants:
        row = granted(row, amount, rules)
        level = rules.levels[row.level - 1]
        assert row.total_xp == level.cumulative_xp + row.current_level_xp
        assert row.xp_to_next_level == level.xp_to_next
        assert row.current_level_xp >= 0
        assert row.level == rules.level_cap or row.current_level_xp < row.xp_to_next_level
    assert row.total_xp == sum(grants)
    assert row.pending_level_ups == row.level - 1


@given(curves, st.integers(0, INTEGER_MAX), st.integers(0, INTEGER_MAX))
def test_a_grant_is_refused_exactly_when_the_total_would_not_fit(
    rules: Rules, first: int, second: int
) -> None:
    row = granted(default_player_progression("u", rules), first, rules)
    after = grant_player_progression_experience(row, second, Source.QUEST, 7, rules)
    assert isinstance(after, Rejection) is (first + second > INTEGER_MAX)


@given(strengths, strengths, strengths, stances, stances)
def test_more_attack_never_hurts_less_and_more_defense_never_hurts_more(
    attack: int, defense: int, more: int, stance: int, roll: int
) -> None:
    blow = damage(attack, defense, stance, roll)
    assert 1 <= blow <= INTEGER_MAX
    assert damage(attack + more, defense, stance, roll) >= blow
    assert damage(attack, defense + more, stance, roll) <= blow
    assert damage(attack, defense, stance + 1, roll) >= blow
    assert damage(attack, defense, stance, roll + 1) >= blow


@given(st.integers(1, 59))
def test_a_higher_level_is_never_weaker(level: int) -> None:
    low, high = player_profile(level, RULES), player_profile(level + 1, RULES)
    assert (low.attack, low.defense, low.hp) < (high.attack, high.defense, high.hp)


@given(ids, st.lists(st.sampled_from(["attack", "skill", "guard"]), min_size=1, max_size=6))
def test_a_battle_replayed_gives_the_same_numbers_and_hit_points_only_fall(
    battle_id: str, actions: list[str]
) -> None:
    state = given_by(f"start {battle_id} hostile.strength=1000", RULES, UserState("u"))
    again = state
    for action in actions:
        before = state.battles[battle_id]
        if before.outcome != "ongoing":
            break
        state = given_by(f"{action} {battle_id}", RULES, state)
        again = given_by(f"{action} {battle_id}", RULES, again)
        after = state.battles[battle_id]
        assert state == again
        assert after.turn == before.turn + 1
        assert 0 <= after.hostile.hp < before.hostile.hp
        assert 0 <= after.player.hp < before.player.hp


@given(command_fields(["start_battle"]), st.integers(1, 60), chapter_rows)
def test_a_hostiles_profile_is_whole_whatever_is_left_out(
    fields: dict[str, Any], level: int, chapter: ChapterProgression | None
) -> None:
    command = decode_command(fields)
    asked = command.hostile
    plan = None if chapter is None else PlanInForce(chapter, NOTHING_PROMISED)
    resolved = resolve_hostile(asked, command.experience_reward, plan, level, RULES)
    hostile, told = resolved.hostile, resolved.resolved_from
    assert hostile.hp == hostile.hp_max >= 1
    assert hostile.attack >= 1
    assert 1 <= hostile.level == hostile.pseudo_level_millis // 1000
    assert 0 <= resolved.experience_reward <= EXPERIENCE_REWARD_MAX
    if asked.level is None:
        assert hostile.level <= RULES.level_cap
    # What the caller names is the caller's, and nothing else is; without a plan it has no say.
    named = (asked.level, asked.strength, command.experience_reward)
    for value, origin in zip(
        named, (told.level, told.strength, told.experience_reward), strict=True
    ):
        assert (origin is Origin.CALLER) is (value is not None)
        assert chapter is not None or origin is not Origin.PLAN
    for value, result in zip(named, (hostile.level, hostile.strength), strict=False):
        assert value in (None, result)


@given(user_ids, ids, user_ids, ids)
def test_no_two_pairs_share_a_chapter_row_id(u1: str, c1: str, u2: str, c2: str) -> None:
    same = chapter_progression_id(u1, c1) == chapter_progression_id(u2, c2)
    assert same is ((u1, c1) == (u2, c2))
    assert chapter_progression_id(u1, c1).split("/") == [u1, c1]


def turned(value: Any, dice: random.Random) -> Any:
    if not isinstance(value, dict):
        return [turned(one, dice) for one in value] if isinstance(value, list) else value
    return {key: turned(value[key], dice) for key in dice.sample(list(value), len(value))}


@given(command_fields(), command_fields(), st.randoms(use_true_random=False))
def test_commands_share_a_fingerprint_exactly_when_they_say_the_same(
    one: dict[str, Any], other: dict[str, Any], dice: random.Random
) -> None:
    first, second = decode_command(one), decode_command(other)
    assert fingerprint(canonical(decode_command(turned(one, dice)))) == fingerprint(
        canonical(first)
    )
    marks = {fingerprint(canonical(command)) for command in (first, second)}
    assert (len(marks) == 1) is (first == second)


@given(st.integers(0, 8), st.lists(st.integers(0, 99), unique=True, max_size=20))
def test_the_window_holds_the_newest_receipts_in_order(window: int, names: list[int]) -> None:
    receipts = Receipts(window)
    for number in names:
        receipts.add(Receipt(str(number), b"", number, b""))
        receipts.confirm()
    expected = [str(number) for number in names[max(0, len(names) - window) :]]
    assert [receipt.command_id for receipt in receipts] == expected


@given(command_fields())
def test_a_command_decodes_to_itself(fields: dict[str, Any]) -> None:
    command = decode_command(fields)
    assert decode_command(command_adapter.dump_python(command, mode="json")) == command


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(command_fields(), st.data(), json_values)
def test_a_spoilt_command_is_decoded_or_refused_and_nothing_else(
    fields: dict[str, Any], data: st.DataObject, junk: object
) -> None:
    spoilt = {**fields, data.draw(st.sampled_from(sorted(fields)) | st.text(max_size=5)): junk}
    with suppress(ValidationError):
        assert decode_command(spoilt).type == spoilt["type"]


@given(st.text(max_size=6) | st.text("a.me", max_size=4))
def test_an_id_never_leads_out_of_a_folder(text: str) -> None:
    if is_id(text):
        assert text not in ("", ".", "..")
        assert not set(text) & set("/\\\0\n %")
