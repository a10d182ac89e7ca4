"""The shares of a plan are a promise: opening battles in advance never pays more."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.decide.dispatch import decide
from domain.messages.commands import decode_command
from domain.messages.decision import Decision
from domain.rules.compiled_rules import Rules, compile_rules
from domain.state.rows import Tier
from domain.state.user_state import UserState
from tests.domain.script_kit import SMALL, SMALL_TEXT

STINGY = compile_rules(
    SMALL_TEXT.replace("base = 10", "base = 1").replace("per_level = 5", "per_level = 0")
)
GENEROUS = compile_rules(
    SMALL_TEXT.replace("base = 10\nper_level = 5", "base = 900\nper_level = 0")
)
"""Rules under which a hostile that no plan pays for is worth less, and more, than a share."""

tiers = st.sampled_from([tier.value for tier in Tier])
plans = st.builds(
    lambda hostiles: {
        "type": "compile_chapters",
        "chapters": [{"chapter_id": "c", "quests": 2, "hostiles": hostiles}],
    },
    st.dictionaries(tiers, st.integers(1, 6), min_size=1),
) | st.builds(
    lambda defeats, xp: {
        "type": "upsert_chapter_progression",
        "chapter_id": "c",
        "chapter_index": 1,
        "total_chapters": 1,
        "entry_pseudo_level_millis": 1000,
        "exit_pseudo_level_millis": 3000,
        "entry_level": 1,
        "exit_level": 3,
        "planned_total_xp": xp,
        "planned_quest_xp": 0,
        "planned_hostile_xp": xp,
        "expected_hostile_defeat_count": defeats,
        "pace_band": "steady",
    },
    st.integers(0, 6),
    st.integers(0, 500),
)


def asked(state: UserState, rules: Rules, **fields: Any) -> UserState:
    answer = decide(state, decode_command({"command_id": "k", **fields}), 1, rules)
    assert isinstance(answer, Decision)
    return state.put(answer.changes)


def opened(state: UserState, rules: Rules, number: int, tier: str) -> UserState:
    hostile = {"hostile_id": "wolf", "tier": tier, "strength": 1}
    fields = {"battle_id": f"b{number}", "chapter_id": "c", "hostile": hostile}
    return asked(state, rules, type="start_battle", **fields)


def ended(state: UserState, rules: Rules, number: int, won: bool) -> UserState:
    action = "attack" if won else "escape"
    return asked(state, rules, type="resolve_combat_action", battle_id=f"b{number}", action=action)


@given(
    st.sampled_from([SMALL, STINGY, GENEROUS]),
    plans,
    st.lists(tiers, min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_opening_them_all_in_advance_pays_no_more_than_one_by_one(
    rules: Rules, plan: dict[str, Any], hostiles: list[str], dice: Any
) -> None:
    begin = asked(UserState("u"), rules, **plan)
    one_by_one = in_advance = begin
    for number, tier in enumerate(hostiles):
        one_by_one = ended(opened(one_by_one, rules, number, tier), rules, number, won=True)
        in_advance = opened(in_advance, rules, number, tier)
    for number in dice.sample(range(len(hostiles)), len(hostiles)):
        in_advance = ended(in_advance, rules, number, won=True)
    assert paid(in_advance) <= paid(one_by_one)


@given(plans, st.lists(st.tuples(tiers, st.sampled_from(["open", "won", "lost"])), max_size=40))
def test_what_is_won_and_promised_by_the_plan_never_passes_its_budget(
    plan: dict[str, Any], hostiles: list[tuple[str, str]]
) -> None:
    state = asked(UserState("u"), STINGY, **plan)
    promised = 0
    for number, (tier, outcome) in enumerate(hostiles):
        state = opened(state, STINGY, number, tier)
        battle = state.battles[f"b{number}"]
        worth = battle.experience_reward
        if outcome != "open":
            state = ended(state, STINGY, number, won=outcome == "won")
        if outcome != "lost" and worth > fallback(tier):
            promised += worth
    assert promised <= state.chapters["c"].planned_hostile_xp


def paid(state: UserState) -> int:
    return state.chapters["c"].actual_hostile_xp


def fallback(tier: str) -> int:
    """What a hostile of this tier is worth without a plan, under the stingy rules."""
    return STINGY.tiers[Tier(tier)].experience_permille // 1000
