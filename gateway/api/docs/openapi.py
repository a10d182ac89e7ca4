"""The OpenAPI 3.1 document, made from the types that the server itself uses.

Commands come from the pydantic models that check them, rows and events from the structs that are
encoded, codes from the table of refusals; so the document cannot fall behind them.

Not for: showing it (`docs_pages`).
"""

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec

from domain.ids import ID_LENGTH_MAX, ID_RULE
from domain.messages.commands import SERVICE_COMMANDS, command_adapter
from domain.messages.reply import ReplyBody
from domain.rules.deviation import ChapterDeviation, StoryDeviation
from gateway.api.docs.examples import COMMAND_EXAMPLES
from gateway.api.parameters import PAGE
from gateway.options import LIST_MAX
from gateway.problems import PROBLEM_TYPES
from gateway.versions import installed

Schema = dict[str, Any]

_REFS = "#/components/schemas/"
_MEDIA = ("application/json", "application/msgpack")
_PROBLEM_MEDIA = ("application/problem+json", "application/problem+msgpack")
_ABOUT = (
    "Each user is an actor: one owner in memory, one mailbox, one command at a time. A 200 is sent "
    "only once the change would survive a crash, and the same `command_id` takes effect once at "
    "most.\n\nGet a token with `questkeep token --user alice` or `questkeep token --service NAME`, "
    "press *Authorize*, and try a command. Bodies may be JSON or msgpack. "
    "[Every refusal](/docs/errors) has a stable code."
)


def openapi_document() -> Schema:
    """The whole document, as plain values."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Questkeep", "version": installed("questkeep"), "description": _ABOUT},
        "paths": {**_user_paths(), **_other_paths()},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "tags": [
            {"name": "commands", "description": "Change a user."},
            {"name": "reads", "description": "Look at a user's durable rows; writes nothing."},
            {"name": "operations", "description": "Run the server."},
        ],
    }


def _user_paths() -> Schema:
    at = "/v1/users/{user_id}"
    rows = {
        "player_progression": _ref("PlayerProgression"),
        "chapter_progression": _list("ChapterProgression"),
        "quest_record": _list("QuestRecord"),
        "battle_state": _list("BattleState"),
        "inventory": _amounts(),
        "wallet": _amounts(),
        "affinity": _amounts(),
    }
    return {
        f"{at}/commands": {"post": _commands()},
        at: {"get": _read("Everything the user owns", rows)},
        f"{at}/progression": {
            "get": _read("Level and experience", _only(rows, "player_progression"))
        },
        f"{at}/chapters": {
            "get": _read(
                "Every chapter, rated against its plan",
                {
                    "chapter_progression": {"type": "array", "items": _rated()},
                    "story_deviation": _ref("StoryDeviation"),
                },
            )
        },
        f"{at}/chapters/{{chapter_id}}": {
            "get": _read("One chapter", {"chapter_progression": _rated()}, "chapter_id")
        },
        f"{at}/quests": {"get": _read("Every quest", _only(rows, "quest_record"))},
        f"{at}/battles/{{battle_id}}": {
            "get": _read("One battle", {"battle_state": _ref("BattleState")}, "battle_id")
        },
        f"{at}/history": {"get": _history()},
        f"{at}/commands/{{command_id}}": {"get": _receipt()},
    }


def _other_paths() -> Schema:
    operations = {
        "/healthz": "The process is up",
        "/readyz": "The server takes commands",
        "/metrics": "Counters, as Prometheus text",
    }
    paths: Schema = {
        "/v1/rules": {
            "get": {
                "tags": ["reads"],
                "summary": "The rules in force: fingerprint, level benchmarks, tiers, and all else",
                "security": [{"token": []}],
                "responses": {"200": _answer({"type": "object"}), "default": _problem()},
            }
        },
        "/v1/operations/rules/reload": {
            "post": {
                "tags": ["operations"],
                "summary": "Read the rules file again and hand it to every host; operators only",
                "description": "A file that is broken changes nothing: 422, with every problem.",
                "security": [{"token": []}],
                "responses": {"200": _answer({"type": "object"}), "default": _problem()},
            }
        },
    }
    for path, summary in operations.items():
        paths[path] = {
            "get": {
                "tags": ["operations"],
                "summary": summary,
                "responses": {"200": {"description": summary}, "default": _problem()},
            }
        }
    return paths


def _commands() -> Schema:
    command = _ref("Command")
    many = {"type": "array", "items": command, "maxItems": LIST_MAX}
    either = {"anyOf": [_ref("ReplyBody"), {"type": "array", "items": _ref("ReplyOrProblem")}]}
    body = {"schema": {"anyOf": [command, many]}}
    return {
        "tags": ["commands"],
        "summary": "Send one command, or a list that runs in order",
        "description": (
            f"A list of up to {LIST_MAX} separate commands answers a list of the same length: a "
            "reply or a problem for each. Services only: "
            + ", ".join(f"`{name}`" for name in sorted(SERVICE_COMMANDS))
            + "."
        ),
        "security": [{"token": []}],
        "parameters": [_id_parameter("user_id")],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {**body, "examples": COMMAND_EXAMPLES},
                "application/msgpack": body,
            },
        },
        "responses": {"200": _answer(either), "default": _problem()},
    }


def _read(summary: str, rows: Schema, key: str | None = None) -> Schema:
    head = {"user_id": {"type": "string"}, "version": {"type": "integer"}}
    schema = {
        "type": "object",
        "properties": {**head, **rows},
        "required": [*head, *rows],
    }
    return _get(summary, schema, key)


def _rated() -> Schema:
    deviation = {"properties": {"deviation": _ref("ChapterDeviation")}, "required": ["deviation"]}
    return {"allOf": [_ref("ChapterProgression"), {"type": "object", **deviation}]}


def _history() -> Schema:
    read = _read("What was granted, why, and under which rules", {"history": _list("HistoryEntry")})
    schema = read["responses"]["200"]["content"]["application/json"]["schema"]
    schema["properties"]["next_after"] = {
        "type": "integer",
        "description": "There is more: ask again with this as `after`.",
    }
    about = {"after": "Entries that come after this sequence", "limit": "How many at most"}
    read["parameters"] += [
        {
            "name": name,
            "in": "query",
            "description": about[name],
            "schema": {"type": "integer", "minimum": least, "maximum": most},
        }
        for name, (least, most) in PAGE.items()
    ]
    return read


def _receipt() -> Schema:
    summary = "What became of a command whose reply was lost"
    return _get(summary, _ref("ReplyBody"), "command_id")


def _get(summary: str, schema: Schema, key: str | None) -> Schema:
    names = ["user_id"] if key is None else ["user_id", key]
    return {
        "tags": ["reads"],
        "summary": summary,
        "security": [{"token": []}],
        "parameters": [_id_parameter(name) for name in names],
        "responses": {"200": _answer(schema), "default": _problem()},
    }


def _id_parameter(name: str) -> Schema:
    me = "; `me` is the caller" if name == "user_id" else ""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": ID_RULE + me,
        "schema": {"type": "string", "maxLength": ID_LENGTH_MAX},
        "example": "alice" if name == "user_id" else name.replace("_id", "-1"),
    }


def _schemas() -> Schema:
    commands = command_adapter.json_schema(ref_template=_REFS + "{model}")
    models = commands.pop("$defs")
    for target in commands["discriminator"]["mapping"].values():
        # Every command has a default type in Python; on the wire the type must be there.
        models[target.removeprefix(_REFS)]["required"].insert(0, "type")
    _, structs = msgspec.json.schema_components(
        [ReplyBody, ChapterDeviation, StoryDeviation], ref_template=_REFS + "{name}"
    )
    schemas = {
        **models,
        **structs,
        "Command": commands,
        "Problem": _problem_schema(),
        "ReplyOrProblem": {"anyOf": [_ref("ReplyBody"), _ref("Problem")]},
    }
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return schemas


def _problem_schema() -> Schema:
    text = {"type": "string"}
    error = {"type": "object", "properties": {"field": text, "came": text, "expected": text}}
    return {
        "type": "object",
        "description": "A refusal (RFC 9457). `code` is stable.",
        "properties": {
            "type": {"type": "string", "description": "Where the code is explained."},
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(PROBLEM_TYPES)},
            "detail": text,
            "command_id": text,
            "retry_after_ms": {"type": "integer"},
            "errors": {"type": "array", "items": error},
            "problems": {"type": "array", "items": text},
            "request_id": text,
        },
        "required": ["type", "title", "status", "code", "detail"],
    }


def _answer(schema: Schema) -> Schema:
    return {"description": "Done", "content": _content(_MEDIA, schema)}


def _problem() -> Schema:
    return {"description": "Refused", "content": _content(_PROBLEM_MEDIA, _ref("Problem"))}


def _content(media: Sequence[str], schema: Schema) -> Schema:
    return {one: {"schema": schema} for one in media}


def _ref(name: str) -> Schema:
    return {"$ref": _REFS + name}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _amounts() -> Schema:
    return {"type": "object", "additionalProperties": {"type": "integer"}}


def _only(rows: Schema, name: str) -> Schema:
    return {name: rows[name]}
