"""What holds for any story and modifier context: sums, continuity, order, and 63 bits."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.game.chapter_compiler import ChapterBlueprint, ChapterPlan, compile_chapters, shares
from domain.game.chapters import (
    NOTHING_PROMISED,
    apply_chapter_progression_ledger_entry,
    upsert_chapter_progression,
)
from domain.game.profiles import PlanInForce, resolve_hostile
from domain.game.xp_modifiers import ModifierContext, modify_experience
from domain.messages.command_parts import HostileOffer
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.rules.deviation import DeviationBand, rate, rate_story
from domain.state.rows import INTEGER_MAX, ChapterProgression, PaceBand, Source, Tier
from tests.domain.rules_kit import preset, small
from tests.domain.script_kit import SMALL

STORIES = [
    "",
    '[pseudo_levels]\nkind = "even_xp"',
    '[pseudo_levels]\nkind = "points"\n'
    "points = [{ position_permille = 300, progress_permille = 800 }]",
    "[pseudo_levels]\nentry_millis = 1500\nexit_millis = 3333",
    "[bands.steady]\nquest_permille = 0\n[bands.pressure]\nquest_permille = 1000",
]
costs = st.lists(st.integers(1, 50) | st.integers(1, 10**15), min_size=1, max_size=12).map(sorted)
rules_of_any_curve = st.builds(
    lambda curve, story: small(story, f"xp_to_next = {curve}"),
    costs.filter(lambda curve: len(curve) >= 3),
    st.sampled_from(STORIES),
)
curves = st.sampled_from([preset("default"), preset("exp99"), small()]) | rules_of_any_curve

counts = st.integers(0, 12) | st.sampled_from([0, 1, 1_000_000])
weights = st.lists(st.sampled_from(["major", "standard", "minor"]), max_size=9).map(tuple)
blueprints = st.builds(
    ChapterBlueprint,
    chapter_id=st.just("c"),
    quests=st.integers(0, 30) | weights,
    hostiles=st.dictionaries(st.sampled_from(Tier), counts),
    weight=st.integers(1, 9) | st.sampled_from([1, 997, 1_000_000]),
    pace_band=st.sampled_from(PaceBand),
)
stories = st.lists(blueprints, min_size=1, max_size=40).map(
    lambda story: [replace(one, chapter_id=f"c{i}") for i, one in enumerate(story)]
)


def planned(story: list[ChapterBlueprint], rules: Rules) -> list[ChapterPlan]:
    """The plans; none when the story cannot be planned (which must be said in a sentence)."""
    found = compile_chapters(story, rules)
    if isinstance(found, Rejection):
        assert "expected" in found.detail or "leaves none" in found.detail or "add" in found.detail
        return []
    return found


@given(stories, curves)
def test_the_shares_of_any_story_add_up_to_their_budgets_exactly(
    story: list[ChapterBlueprint], rules: Rules
) -> None:
    plans = planned(story, rules)
    for plan in plans:
        assert plan.planned_total_xp == plan.planned_quest_xp + plan.planned_hostile_xp
        assert sum(plan.quest_xp) == plan.planned_quest_xp
        assert sum(tier.planned_xp for tier in plan.tiers) == plan.planned_hostile_xp
        assert sum(tier.count for tier in plan.tiers) == plan.expected_hostile_defeat_count
        assert min((*plan.quest_xp, *(tier.planned_xp for tier in plan.tiers))) >= 0
    if plans:
        end, begin = plans[-1].exit_pseudo_level_millis, plans[0].entry_pseudo_level_millis
        whole = sum(plan.planned_total_xp for plan in plans)
        assert whole == rules.xp_at(end) - rules.xp_at(begin)


@given(
    st.dictionaries(st.sampled_from(Tier), st.integers(1, 9), min_size=1),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_in_whatever_order_hostiles_fall_each_tier_pays_its_share_of_the_plan(
    hostiles: dict[Tier, int], quests: int, dice: random.Random
) -> None:
    blueprint = ChapterBlueprint("a", quests, hostiles)
    (plan,) = planned([blueprint], SMALL)
    row = upsert_chapter_progression("u", None, plan, 1, 1, 0)
    assert isinstance(row, ChapterProgression)
    order = [tier for tier, count in hostiles.items() for _ in range(count)]
    dice.shuffle(order)
    paid: dict[Tier, int] = dict.fromkeys(hostiles, 0)
    for tier in order:
        offer = HostileOffer(hostile_id="wolf", tier=tier)  # type: ignore[call-arg]
        worth = resolve_hostile(
            offer, None, PlanInForce(row, NOTHING_PROMISED), 1, SMALL
        ).experience_reward
        even = {one.tier: one.planned_xp / one.count for one in plan.tiers}
        assert abs(worth - even[tier]) < 1
        paid[tier] += worth
        row = apply_chapter_progression_ledger_entry(
            row,
            granted_hostile_xp=worth,
            hostile_defeat_increment=1,
            level_at_exit=None,
            now=1,
            tier=tier,
        )
        assert isinstance(row, ChapterProgression)
    assert paid == {one.tier: one.planned_xp for one in plan.tiers}
    assert row.actual_hostile_xp == plan.planned_hostile_xp


@given(stories, curves)
def test_any_story_climbs_without_a_gap_inside_the_levels(
    story: list[ChapterBlueprint], rules: Rules
) -> None:
    plans = planned(story, rules)
    for one, after in pairwise(plans):
        assert one.exit_pseudo_level_millis == after.entry_pseudo_level_millis
    for plan in plans:
        assert 1000 <= plan.entry_pseudo_level_millis < plan.exit_pseudo_level_millis
        assert plan.exit_pseudo_level_millis <= 1000 * rules.level_cap
        assert 1 <= plan.entry_level <= plan.exit_level <= rules.level_cap
        assert 1 <= plan.planned_total_xp <= INTEGER_MAX


@given(st.integers(1, 500), st.integers(1, 3))
def test_up_to_500_chapters_are_planned_on_the_default_curve(chapters: int, weight: int) -> None:
    story = [
        ChapterBlueprint(f"c{i}", quests=i % 3 + 1, hostiles={Tier.BOSS: i % 2}, weight=weight)
        for i in range(chapters)
    ]
    assert len(planned(story, preset("default"))) == chapters


@given(st.integers(0, INTEGER_MAX), st.lists(st.integers(0, 10**9), max_size=50))
def test_shares_add_up_and_no_one_is_a_whole_unit_off(total: int, parts: list[int]) -> None:
    given_out = shares(total, parts)
    whole = sum(parts)
    assert sum(given_out) == (total if whole else 0)
    for share, weight in zip(given_out, parts, strict=True):
        assert abs(share * whole - total * weight) < max(whole, 1)


@given(curves, st.integers(1, 10**9), st.data())
def test_a_later_point_of_the_story_is_never_a_lower_level(
    rules: Rules, whole: int, data: st.DataObject
) -> None:
    one, other = sorted(data.draw(st.integers(0, whole)) for _ in range(2))
    assert rules.pseudo_level_at(one, whole) <= rules.pseudo_level_at(other, whole)


@given(curves, st.integers(0, INTEGER_MAX), st.integers(1000, 70_000))
def test_pseudo_level_and_xp_lead_back_to_each_other(rules: Rules, xp: int, millis: int) -> None:
    reached = rules.pseudo_level_of(xp)
    assert 1000 <= reached <= 1000 * rules.level_cap
    assert rules.xp_at(reached) <= xp
    assert rules.pseudo_level_of(rules.xp_at(millis)) <= millis


REPEATS = [
    'kind = "none"',
    'kind = "decay"',
    'kind = "decay"\nfloor_permille = 400',
    'kind = "first_only"',
    'kind = "curve"\npermille = [900, 1000, 0, 333]',
]
OVERS = [
    'kind = "none"',
    'kind = "decay"',
    'kind = "decay"\nbrackets = [{ over_permille = 100, worth_permille = 999 },'
    "{ over_permille = 101, worth_permille = 0 }]",
]
KINDS = "none grey_kill grey_quest band5 bonus_up ratio safe_zone con stages".split()
MOST = {"grey_kill": 1200, "bonus_up": 1400, "ratio": 5658, "con": 1500, "stages": 7000}


def modifier_rules(differ: str, repeat: str, over: str) -> Rules:
    return small(
        f'[penalties.level_difference]\nkills = {{ kind = "{differ}" }}\n'
        f'quests = {{ kind = "{differ}" }}\n[penalties.repeat]\n{repeat}\n'
        f"[penalties.over_budget]\n{over}"
    )


amounts = st.integers(0, 2000) | st.integers(0, INTEGER_MAX)
levels = st.integers(1, 130) | st.integers(1, 10_000)
contexts = st.builds(
    ModifierContext,
    source=st.sampled_from(Source),
    player_level=levels,
    target_level=st.none() | levels,
    repeats=st.integers(0, 15) | st.integers(0, INTEGER_MAX),
    budget=st.none() | amounts,
    spent=amounts,
)
penalties = st.tuples(st.sampled_from(KINDS), st.sampled_from(REPEATS), st.sampled_from(OVERS))


@given(amounts, contexts, penalties)
def test_modified_experience_stays_between_nothing_and_what_the_rules_allow(
    amount: int, context: ModifierContext, chosen: tuple[str, str, str]
) -> None:
    granted, factors = modify_experience(amount, context, modifier_rules(*chosen))
    assert 0 <= granted <= INTEGER_MAX
    assert granted <= amount * MOST.get(chosen[0], 1000) // 1000 + 1
    left = amount
    for factor in factors:
        assert factor.before == left
        assert factor.after != left
        assert factor.rule == "level_difference" or factor.after < left
        left = factor.after
    assert left == granted
    order = ["level_difference", "repeat", "over_budget"]
    assert [factor.rule for factor in factors] == sorted(
        (factor.rule for factor in factors), key=order.index
    )


@given(st.integers(0, 10**12), st.integers(1, 10**6), contexts, penalties)
def test_more_planned_is_never_less_granted(
    amount: int, more: int, context: ModifierContext, chosen: tuple[str, str, str]
) -> None:
    rules = modifier_rules(*chosen)
    less = modify_experience(amount, context, rules)[0]
    assert less <= modify_experience(amount + more, context, rules)[0]


@given(st.integers(1, 10**12), contexts, st.sampled_from(OVERS), st.integers(1, 10**12))
def test_a_fuller_ledger_never_pays_more(
    amount: int, context: ModifierContext, over: str, more: int
) -> None:
    rules = modifier_rules("none", 'kind = "none"', over)
    fuller = replace(context, spent=context.spent + more)
    assert (
        modify_experience(amount, fuller, rules)[0] <= modify_experience(amount, context, rules)[0]
    )


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6), st.integers(0, 10**6))
def test_one_large_grant_over_budget_is_many_small_ones_but_for_rounding(
    parts: list[int], budget: int
) -> None:
    rules = modifier_rules("none", 'kind = "none"', OVERS[1])

    def granted(amount: int, spent: int) -> int:
        context = ModifierContext(Source.QUEST, 1, None, 0, budget, spent)
        return modify_experience(amount, context, rules)[0]

    spent = 0
    for part in parts:
        spent += granted(part, spent)
    # Each grant rounds down once, and a whole one takes up at most one more at each bracket's edge.
    assert -3 <= granted(sum(parts), 0) - spent <= len(parts) + 3


ORDER = list(DeviationBand)
ROW = ChapterProgression(
    "u/c", "u", "c", 1, 1, 1000, 2000, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, None, PaceBand.STEADY, 0, 0
)
xp = st.integers(0, 3000) | st.integers(0, INTEGER_MAX)


@given(xp, xp, xp)
def test_more_xp_never_rates_a_chapter_lower(plan: int, less: int, more: int) -> None:
    rules = small().deviation
    row = replace(ROW, planned_total_xp=plan, actual_quest_xp=less)
    low = rate(row, rules)
    high = rate(replace(row, actual_hostile_xp=more), rules)
    assert ORDER.index(low.band) <= ORDER.index(high.band)
    if plan:
        assert low.xp_permille is not None
        assert high.xp_permille is not None
        assert low.xp_permille <= high.xp_permille


@given(st.lists(st.tuples(xp, xp), min_size=1, max_size=6), st.integers(0, 5), xp, st.booleans())
def test_more_xp_in_the_chapters_begun_never_rates_a_story_lower(
    chapters: list[tuple[int, int]], place: int, more: int, finished: bool
) -> None:
    rules = small().deviation
    rows = [
        replace(ROW, chapter_id=f"c{i}", chapter_index=i, planned_total_xp=plan,
                actual_quest_xp=paid, level_at_exit=2)
        for i, (plan, paid) in enumerate(chapters)
    ]  # fmt: skip
    low = rate_story(rows, rules, finished=finished)
    place %= len(rows)
    rows[place] = replace(rows[place], actual_hostile_xp=more)
    high = rate_story(rows, rules, finished=finished)
    assert ORDER.index(low.band) <= ORDER.index(high.band)
    assert low.actual_xp <= high.actual_xp
