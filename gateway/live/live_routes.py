"""The routes of live connections.

Not for: what is said on them.
"""

from gateway.api.routes import Operation, Route
from gateway.live.endpoint import LiveEndpoint
from gateway.live.opening import LIVE_QUERY

_CODES = frozenset(
    {
        "upgrade_required",
        "unsupported_subprotocol",
        "malformed_body",
        "unauthenticated",
        "not_allowed",
        "too_many_requests",
        "overloaded",
        "draining",
        "user_unavailable",
        "internal",
    }
)


def live_routes(endpoint: LiveEndpoint) -> list[Route]:
    """One user's line, and the line of many."""
    one = Operation(
        "liveUser",
        "live",
        "A WebSocket that shows one user as they change, and takes commands",
        "",
        _CODES | {"invalid_id", "not_your_user"},
        query=LIVE_QUERY,
        upgrades=True,
    )
    many = Operation(
        "liveUsers",
        "live",
        "The same for many users; services only",
        "",
        _CODES,
        query=tuple(each for each in LIVE_QUERY if each.name != "after"),
        upgrades=True,
    )
    return [
        Route("GET", "/v1/users/{user_id}/live", endpoint.one, one, private=False),
        Route("GET", "/v1/live", endpoint.many, many, private=False),
    ]
