"""`GET /v1/rules`: the rules in force, for clients that draw level bars and for tools.

Encoded once: the rules do not change while a server runs.
"""

from typing import Any

import msgspec

from actors.envelope import Media
from domain.rows import PaceBand
from domain.rules import Rules
from gateway.http import Exchange, Response, answered
from gateway.routes import Endpoint
from gateway.wire import write


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


def rules_endpoint(rules: Rules) -> Endpoint:
    """The endpoint for these rules."""
    document = rules_document(rules)
    bodies = {media: write(document, media) for media in Media}

    async def endpoint(exchange: Exchange) -> Response:
        return answered(bodies[exchange.answer], exchange.answer)

    return endpoint
