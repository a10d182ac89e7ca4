"""The rules as `GET /v1/rules` shows them, for clients that draw level bars and for tools.

All of the file is in it, with its defaults spelt out, curves as the figures they come to.

Not for: answering (`gateway.api.rules_endpoint`).
"""

from typing import Any

import msgspec

from domain.rules.compiled_rules import Rules


def rules_document(rules: Rules) -> dict[str, Any]:
    """The rules in force as JSON shows them: what `GET /v1/rules` answers."""
    return {
        "name": rules.name,
        "source": rules.source,
        "fingerprint": rules.fingerprint,
        "level_cap": rules.level_cap,
        "level_benchmarks": [msgspec.structs.asdict(level) for level in rules.levels],
        "tiers": {str(tier): tier_rules.model_dump() for tier, tier_rules in rules.tiers.items()},
        "bands": {str(band): band_rules.model_dump() for band, band_rules in rules.bands.items()},
        "quest_weights": rules.quest_weights,
        "pseudo_levels": rules.pseudo_levels.model_dump(),
        "combat": rules.combat.model_dump(),
        "hostile_experience": rules.hostile_experience.model_dump(),
        "penalties": rules.penalties.model_dump(),
        "deviation": rules.deviation.model_dump(),
        "loot": {name: table.model_dump(exclude_none=True) for name, table in rules.loot.items()},
    }
