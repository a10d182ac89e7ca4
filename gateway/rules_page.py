"""The rules as `GET /v1/rules` shows them, for clients that draw level bars and for tools.

Not for: answering (`served_rules`).
"""

from typing import Any

import msgspec

from domain.rows import PaceBand
from domain.rules import Rules


def rules_document(rules: Rules) -> dict[str, Any]:
    """The rules as plain values."""
    return {
        "name": rules.name,
        "fingerprint": rules.fingerprint,
        "level_cap": rules.level_cap,
        "level_benchmarks": [msgspec.structs.asdict(level) for level in rules.levels],
        "tiers": {str(tier): one.model_dump() for tier, one in rules.tiers.items()},
        "bands": [str(band) for band in PaceBand],
        "combat": rules.combat.model_dump(),
        "hostile_experience": rules.hostile_experience.model_dump(),
    }
