"""Profiles: how strong each side of a battle is, from its level and the rules."""

from domain.commands import EXPERIENCE_REWARD_MAX, HostileOffer
from domain.rows import Fighter, Hostile
from domain.rules import Rules


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


def hostile_profile(offer: HostileOffer, player_level: int, rules: Rules) -> Hostile:
    """The hostile as the caller gives it; the rest follows from the player's level and the tier.

    The fallback level is the player's own plus the tier's offset, clamped to the level range; the
    fallback strength is the reference at that level times the tier's multiplier.
    """
    tier = rules.tiers[offer.tier]
    level = offer.level or rules.clamp_level(player_level + tier.level_offset)
    reference = rules.reference_strength(level) * tier.strength_permille // 1000
    strength = offer.strength or max(1, reference)
    combat = rules.combat
    hp = max(1, strength * combat.hostile_hp_permille // 1000)
    return Hostile(
        hostile_id=offer.hostile_id,
        tier=offer.tier,
        level=level,
        pseudo_level_millis=level * 1000,
        strength=strength,
        attack=max(1, strength * combat.attack_permille // 1000),
        defense=strength * combat.defense_permille // 1000,
        hp_max=hp,
        hp=hp,
    )


def fallback_experience(hostile: Hostile, rules: Rules) -> int:
    """What a victory is worth when nobody said: the base for its level times the tier's factor.

    Never more than the largest reward a battle may hold [seed].
    """
    curve = rules.hostile_experience
    base = curve.base + curve.per_level * hostile.level
    worth = base * rules.tiers[hostile.tier].experience_permille // 1000
    return min(worth, EXPERIENCE_REWARD_MAX)
