"""The routes of the API: which endpoint answers what, and what clients are told of each.

Not for: pages for people (`docs.pages`), or what an endpoint does.
"""

from actors.messages import View
from domain.messages.commands import SERVICE_COMMANDS
from domain.messages.rejections import Code
from gateway.api.command_endpoints import CommandEndpoints
from gateway.api.parameters import PAGE
from gateway.api.read_endpoints import ReadEndpoints
from gateway.api.routes import Endpoint, Operation, Route
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.options import BATCH_MAX, LIST_MAX

_USER = "/v1/users/{user_id}"

_SERVER = frozenset({"internal"})
_CALLER = _SERVER | {"unauthenticated", "overloaded", "draining", "user_unavailable"}
_ONE_USER = _CALLER | {
    "invalid_id",
    "not_your_user",
    "too_many_requests",
    "user_busy",
    "outcome_unknown",
}
_BODY = frozenset(
    {
        "malformed_body",
        "body_too_large",
        "body_too_slow",
        "unsupported_media_type",
        "invalid_field",
        "unknown_command",
        "not_allowed",
    }
)
_RULES = frozenset(map(str, Code)) - {Code.COMMAND_NOT_FOUND}


def command_routes(commands: CommandEndpoints) -> list[Route]:
    """What changes users."""
    services = ", ".join(f"`{name}`" for name in sorted(SERVICE_COMMANDS))
    send = Operation(
        "sendCommands",
        "commands",
        "Send one command, or a list that runs in order",
        "ReplyOrOutcomes",
        _ONE_USER | _BODY | _RULES,
        description=(
            f"A list of up to {LIST_MAX} separate commands answers a list of the same length: a "
            f"reply or a problem for each. Services only: {services}."
        ),
        request="CommandOrCommands",
    )
    return [Route("POST", f"{_USER}/commands", commands.post_to_user, send), _batch(commands)]


def _batch(commands: CommandEndpoints) -> Route:
    operation = Operation(
        "sendBatch",
        "commands",
        "Send commands of many users; services only",
        "Outcomes",
        _CALLER | _BODY | _RULES | {"invalid_id", "user_busy", "outcome_unknown"},
        description=(
            f"Up to {BATCH_MAX:,} commands, each with its `user_id`: in order for each user, users "
            "beside each other. Each is answered in its place with a reply or a problem."
        ),
        request="UserCommands",
    )
    return Route("POST", "/v1/commands", commands.post, operation)


def read_routes(reads: ReadEndpoints) -> list[Route]:
    """Everything that can be read of one user."""

    def read(
        path: str,
        endpoint: Endpoint,
        operation_id: str,
        summary: str,
        response: str,
        *codes: str,
    ) -> Route:
        codes_of_all = _ONE_USER | set(codes)
        operation = Operation(operation_id, "reads", summary, response, codes_of_all)
        return Route("GET", _USER + path, endpoint, operation)

    view = reads.view
    return [
        read("", view(View.USER), "getUser", "Everything the user owns", "User"),
        read(
            "/progression",
            view(View.PROGRESSION),
            "getProgression",
            "Level and experience",
            "UserProgression",
        ),
        read(
            "/chapters",
            view(View.CHAPTERS),
            "listChapters",
            "Every chapter, rated against its plan",
            "UserChapters",
        ),
        read(
            "/chapters/{chapter_id}",
            view(View.CHAPTER, "chapter_id"),
            "getChapter",
            "One chapter",
            "UserChapter",
            "chapter_not_found",
        ),
        read("/quests", view(View.QUESTS), "listQuests", "Every quest", "UserQuests"),
        read(
            "/battles/{battle_id}",
            view(View.BATTLE, "battle_id"),
            "getBattle",
            "One battle",
            "UserBattle",
            "battle_not_found",
        ),
        _history(reads),
        read(
            "/commands/{command_id}",
            view(View.COMMAND, "command_id"),
            "getReceipt",
            "What became of a command whose reply was lost",
            "Reply",
            "command_not_found",
        ),
    ]


def _history(reads: ReadEndpoints) -> Route:
    operation = Operation(
        "listHistory",
        "reads",
        "What was granted, why, and under which rules",
        "UserHistory",
        _ONE_USER | {"invalid_field"},
        query=PAGE,
    )
    return Route("GET", f"{_USER}/history", reads.history, operation)


def rules_routes(rules: RulesEndpoint) -> list[Route]:
    """The rules in force, and other ones in their place."""
    get = Operation(
        "getRules",
        "reads",
        "The rules in force: fingerprint, level benchmarks, tiers, and all else",
        "Rules",
        _CALLER,
    )
    reload = Operation(
        "reloadRules",
        "operations",
        "Read the rules file again and hand it to every host; operators only",
        "Reloaded",
        _CALLER | {"not_allowed", "invalid_rules"},
        description="A file that is broken changes nothing: 422, with every problem.",
    )
    return [
        Route("GET", "/v1/rules", rules.get, get),
        Route("POST", "/v1/operations/rules/reload", rules.post_reload, reload),
    ]


def operations_routes(healthz: Endpoint, readyz: Endpoint, metrics: Endpoint) -> list[Route]:
    """What those who run the server ask, without a token."""
    up = Operation("getHealth", "operations", "The process is up", "Status", _SERVER)
    serves = Operation(
        "getReadiness",
        "operations",
        "The server takes commands",
        "Status",
        _SERVER | {"draining", "user_unavailable"},
    )
    counters = Operation("getMetrics", "operations", "Counters, as Prometheus text", "", _SERVER)
    return [
        Route("GET", "/healthz", healthz, up, private=False),
        Route("GET", "/readyz", readyz, serves, private=False),
        Route("GET", "/metrics", metrics, counters, private=False),
    ]
