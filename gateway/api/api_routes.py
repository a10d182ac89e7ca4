"""The routes of the API: which endpoint answers what, and what clients are told of each.

Not for: pages for people (`docs.pages`), or what an endpoint does.
"""

from collections.abc import Set as AbstractSet

from actors.messages import View
from domain.messages.commands import SERVICE_COMMANDS
from domain.messages.rejections import Code
from gateway.api.changes.long_poll import CHANGES_QUERY, ChangesEndpoint
from gateway.api.commands.endpoints import CommandEndpoints
from gateway.api.commands.reply_form import COMMAND_QUERY
from gateway.api.operations.cluster_endpoint import SCALE_QUERY, ClusterEndpoint
from gateway.api.read_endpoints import (
    BATTLES_QUERY,
    HISTORY_QUERY,
    ITEM_QUERY,
    LIST_QUERY,
    QUESTS_QUERY,
    USER_QUERY,
    ReadEndpoints,
)
from gateway.api.routes import Endpoint, Operation, QueryParameter, Route
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.options import BATCH_MAX, LIST_MAX

_USER = "/v1/users/{user_id}"

_SERVER = frozenset({"internal"})
_CALLER = _SERVER | {
    "unauthenticated",
    "overloaded",
    "draining",
    "user_unavailable",
    "too_many_requests",
}
_ONE_USER = _CALLER | {
    "invalid_id",
    "not_your_user",
    "user_busy",
    "outcome_unknown",
    "answer_too_large",
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

_BRIEF = (
    "`Prefer: return=minimal` leaves `changes` and `events` out of replies (`BriefReply`). "
    "`dry_run=true` answers what would happen, of each command by itself, and writes nothing."
)


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
            f"reply or a problem for each. {_BRIEF} Services only: {services}."
        ),
        request="CommandOrCommands",
        query=COMMAND_QUERY,
    )
    return [Route("POST", f"{_USER}/commands", commands.post_to_user, send), _batch(commands)]


def _batch(commands: CommandEndpoints) -> Route:
    operation = Operation(
        "sendBatch",
        "commands",
        "Send commands of many users; services only",
        "UserCommandOutcomes",
        _CALLER | _BODY | _RULES | {"invalid_id", "user_busy", "outcome_unknown"},
        description=(
            f"Up to {BATCH_MAX:,} commands, each with its `user_id`: in order for each user, users "
            "beside each other. Each is answered in its place with a reply or a problem, and its "
            f"`user_id` in either. {_BRIEF.replace('BriefReply', 'BriefUserReply')}"
        ),
        request="UserCommands",
        query=COMMAND_QUERY,
    )
    return Route("POST", "/v1/commands", commands.post, operation)


def read_routes(reads: ReadEndpoints) -> list[Route]:
    """Everything that can be read of one user."""
    return [
        _read("", reads.user, "getUser", "Everything the user owns", "User", query=USER_QUERY),
        _read(
            "/progression",
            reads.view(View.PROGRESSION),
            "getProgression",
            "Level and experience",
            "UserProgression",
        ),
        *_list_and_item(
            reads,
            (View.CHAPTERS, View.CHAPTER),
            ("chapter", "chapter_not_found"),
            ("Every chapter, rated against its plan", "One chapter"),
            LIST_QUERY,
        ),
        *_list_and_item(
            reads,
            (View.QUESTS, View.QUEST),
            ("quest", "quest_not_found"),
            ("Every quest", "One quest"),
            QUESTS_QUERY,
        ),
        *_list_and_item(
            reads,
            (View.BATTLES, View.BATTLE),
            ("battle", "battle_not_found"),
            ("Every battle", "One battle"),
            BATTLES_QUERY,
        ),
        _read(
            "/history",
            reads.history,
            "listHistory",
            "What was granted, why, and under which rules",
            "UserHistory",
            query=HISTORY_QUERY,
        ),
        _read(
            "/commands/{command_id}",
            reads.view(View.COMMAND, "command_id"),
            "getReceipt",
            "What became of a command whose reply was lost",
            "Reply",
            codes={"command_not_found"},
        ),
    ]


def _list_and_item(
    reads: ReadEndpoints,
    views: tuple[View, View],
    naming: tuple[str, str],
    summaries: tuple[str, str],
    query: tuple[QueryParameter, ...],
) -> list[Route]:
    """Each list has its items, and each item its list."""
    name, not_found = naming
    title = name.capitalize()
    return [
        _read(
            f"/{name}s",
            reads.page(views[0], query),
            f"list{title}s",
            summaries[0],
            f"User{title}s",
            codes={not_found},
            query=query,
        ),
        _read(
            f"/{name}s/{{{name}_id}}",
            reads.view(views[1], f"{name}_id"),
            f"get{title}",
            summaries[1],
            f"User{title}",
            codes={not_found},
        ),
    ]


def _read(
    path: str,
    endpoint: Endpoint,
    operation_id: str,
    summary: str,
    response: str,
    *,
    codes: AbstractSet[str] = frozenset(),
    query: tuple[QueryParameter, ...] = ITEM_QUERY,
) -> Route:
    every = _ONE_USER | codes | {"invalid_field"}
    operation = Operation(
        operation_id, "reads", summary, response, every, query=query, conditional=True
    )
    return Route("GET", _USER + path, endpoint, operation)


def changes_routes(changes: ChangesEndpoint) -> list[Route]:
    """What happens to one user, for whoever has no live connection."""
    poll = Operation(
        "getChanges",
        "reads",
        "What was missed since a position, or what happens next",
        "ResumeFrames",
        _ONE_USER | {"invalid_field"},
        description=(
            "The frames of a resume: `state` or the missed `changes`, then `caught_up`. They are "
            "answered as soon as there is one, and after `wait_ms` only `caught_up`. Ask again "
            "with the era of the last `state` and the version of `caught_up` as `after`."
        ),
        query=CHANGES_QUERY,
    )
    return [Route("GET", f"{_USER}/changes", changes.get, poll)]


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


def cluster_routes(cluster: ClusterEndpoint) -> list[Route]:
    """How the cluster is, for services and operators."""
    status = Operation(
        "getCluster",
        "operations",
        "Hosts, nodes and the head as they were seen last; services and operators only",
        "ClusterStatus",
        _CALLER | {"not_allowed"},
    )
    user = Operation(
        "getUserPlace",
        "operations",
        "The host of a user, whether or not the user is in memory; services and operators only",
        "UserPlace",
        _CALLER | {"not_allowed", "invalid_id", "not_your_user"},
    )
    scale = Operation(
        "scaleCluster",
        "operations",
        "Have so many hosts, and move users' slots while they are served; operators only",
        "ClusterStatus",
        _CALLER | {"not_allowed", "invalid_field", "user_unavailable"},
        description="The answer comes when all slots have moved. Only with `local` placement.",
        query=SCALE_QUERY,
    )
    path = "/v1/operations/cluster"
    return [
        Route("GET", path, cluster.get, status),
        Route("POST", f"{path}/scale", cluster.post_scale, scale),
        Route("GET", f"{path}/users/{{user_id}}", cluster.get_user, user),
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
