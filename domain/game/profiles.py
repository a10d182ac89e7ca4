"""Profiles: how strong each side of a battle is, and what a hostile is worth.

A hostile's level, strength and worth come, each on its own, from the first of three that knows:
the caller; the chapter's plan, at the point its ledger has reached; the fallback, which is the
player's own level and the rules.
"""

from msgspec import Struct

from domain.game.chapters import (
    NOTHING_PROMISED,
    Promised,
    hostile_share,
    pseudo_level_reached,
)
from domain.messages.command_parts import EXPERIENCE_REWARD_MAX, HostileOffer
from domain.messages.events import ResolvedFrom
from domain.rules.compiled_rules import Rules
from domain.state.rows import ChapterProgression, Fighter, Hostile, Origin


class ResolvedHostile(Struct, frozen=True):
    """A hostile ready to fight, what a victory is worth, and where its numbers come from."""

    hostile: Hostile
    experience_reward: int
    resolved_from: ResolvedFrom


class PlanInForce(Struct, frozen=True):
    """A chapter's plan and ledger, and what its open battles of one tier were promised."""

    chapter: ChapterProgression
    promised: Promised


def player_profile(level: int, rules: Rules) -> Fighter:
    """The player's side at this level."""
    combat = rules.combat
    strength = rules.reference_strength(level)
    hp = max(1, strength * combat.player_hp_permille // 1000)
    return Fighter(
        level=level,
        strength=strength,
        attack=max(1, strength * combat.attack_permille // 1000),
        defense=strength * combat.defense_permille // 1000,
        hp_max=hp,
        hp=hp,
    )


def resolve_hostile(
    offer: HostileOffer,
    experience_reward: int | None,
    plan: PlanInForce | None,
    player_level: int,
    rules: Rules,
) -> ResolvedHostile:
    """The hostile as the caller gives it; what is left out is resolved here.

    `plan` is that of the battle's chapter, None without one.
    """
    level_from, millis = _pseudo_level(offer, plan, player_level, rules)
    level = millis // 1000
    strength_from, strength = _strength(offer, level_from, millis, rules)
    worth_from, worth = _experience(offer, experience_reward, plan, level, rules)
    combat = rules.combat
    hp = max(1, strength * combat.hostile_hp_permille // 1000)
    hostile = Hostile(
        hostile_id=offer.hostile_id,
        tier=offer.tier,
        level=level,
        pseudo_level_millis=millis,
        strength=strength,
        attack=max(1, strength * combat.attack_permille // 1000),
        defense=strength * combat.defense_permille // 1000,
        hp_max=hp,
        hp=hp,
    )
    return ResolvedHostile(hostile, worth, ResolvedFrom(level_from, strength_from, worth_from))


def _pseudo_level(
    offer: HostileOffer, plan: PlanInForce | None, player_level: int, rules: Rules
) -> tuple[Origin, int]:
    """In thousandths.  Plan and fallback add the tier's offset and stay inside the level range."""
    if offer.level is not None:
        return Origin.CALLER, offer.level * 1000
    offset = rules.tiers[offer.tier].level_offset
    if plan is not None:
        reached = pseudo_level_reached(plan.chapter) + offset * 1000
        return Origin.PLAN, min(max(reached, 1000), rules.level_cap * 1000)
    return Origin.FALLBACK, rules.clamp_level(player_level + offset) * 1000


def _strength(
    offer: HostileOffer, level_from: Origin, millis: int, rules: Rules
) -> tuple[Origin, int]:
    """The reference strength at the hostile's pseudo level times the tier's multiplier.

    It follows from the level, so the plan has named it where the plan has named the level.
    """
    if offer.strength is not None:
        return Origin.CALLER, offer.strength
    level, part = divmod(millis, 1000)
    low, high = rules.reference_strength(level), rules.reference_strength(level + 1)
    reference = low + (high - low) * part // 1000
    strength = max(1, reference * rules.tiers[offer.tier].strength_permille // 1000)
    return Origin.PLAN if level_from is Origin.PLAN else Origin.FALLBACK, strength


def _experience(
    offer: HostileOffer,
    experience_reward: int | None,
    plan: PlanInForce | None,
    level: int,
    rules: Rules,
) -> tuple[Origin, int]:
    """What a victory is worth; never more than a battle may hold [seed].

    By the plan: `chapters.hostile_share`.  Once the expected defeats are done the plan pays nothing
    more, and it is the fallback: the base for the hostile's level times the tier's multiplier.
    Where the expected defeats are not done but promised to open battles, which may yet be lost, it
    is the fallback too, but no more than the share would be without them.
    """
    if experience_reward is not None:
        return Origin.CALLER, experience_reward
    permille = rules.tiers[offer.tier].experience_permille
    curve = rules.hostile_experience
    fallback = (curve.base + curve.per_level * level) * permille // 1000
    worth = Origin.FALLBACK, min(fallback, EXPERIENCE_REWARD_MAX)
    if plan is None:
        return worth
    share = hostile_share(plan.chapter, offer.tier, permille, plan.promised)
    if share is not None:
        return Origin.PLAN, min(share, EXPERIENCE_REWARD_MAX)
    unpromised = hostile_share(plan.chapter, offer.tier, permille, NOTHING_PROMISED)
    if unpromised is None or unpromised >= fallback:
        return worth
    return Origin.PLAN, min(unpromised, EXPERIENCE_REWARD_MAX)
