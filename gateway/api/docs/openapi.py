"""The OpenAPI 3.1 document, made from the routes themselves.

Not for: the schemas (`schemas`), or showing the document (`pages`).
"""

from collections.abc import Sequence
from typing import Any

from domain.ids import ID_LENGTH_MAX, ID_RULE
from gateway.api.docs.examples import REQUEST_EXAMPLES
from gateway.api.docs.schemas import Schema, named_schemas, reference
from gateway.api.routes import Operation, QueryParameter, Route
from gateway.problems import PROBLEM_TYPES
from gateway.versions import installed

_MEDIA = ("application/json", "application/msgpack")
_PROBLEM_MEDIA = ("application/problem+json", "application/problem+msgpack")
_ABOUT = (
    "Each user is an actor: one owner in memory, one mailbox, one command at a time. A 200 is sent "
    "only once the change would survive a crash, and the same `command_id` takes effect once at "
    "most.\n\nGet a token with `questkeep token --user alice` or `questkeep token --service NAME`, "
    "press *Authorize*, and try a command. Bodies may be JSON or msgpack. "
    "[Every refusal](/docs/errors) has a stable code."
)

_PREFER: Schema = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`return=minimal` leaves `changes` and `events` out of replies.",
    "schema": {"type": "string"},
    "example": "return=minimal",
}
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of a body that is at hand: 304 where nothing changed since.",
    "schema": {"type": "string"},
}
_ETAG: Schema = {
    "description": "The user's position: the era, a dot and the version.",
    "schema": {"type": "string"},
}


def openapi_document(routes: Sequence[Route]) -> Schema:
    """The document of these routes, as plain values."""
    paths: dict[str, Schema] = {}
    for route in routes:
        if route.operation is not None:
            operation = _operation(route, route.operation)
            paths.setdefault(route.template, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Questkeep", "version": installed("questkeep"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": named_schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "tags": [
            {"name": "commands", "description": "Change a user."},
            {"name": "reads", "description": "Look at a user's durable rows; writes nothing."},
            {"name": "live", "description": "See users as they change."},
            {"name": "operations", "description": "Run the server."},
        ],
    }


def _operation(route: Route, operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {**_done(operation), **_unchanged(operation), **_refusals(operation)},
    }
    if operation.description:
        described["description"] = operation.description
    if route.private:
        described["security"] = [{"token": []}]
    parts = [part[1:-1] for part in route.template.split("/") if part.startswith("{")]
    parameters = [*map(_path_parameter, parts), *map(_query_parameter, operation.query)]
    if operation.request:
        parameters.append(_PREFER)
    if operation.conditional:
        parameters.append(_IF_NONE_MATCH)
    if parameters:
        described["parameters"] = parameters
    if operation.request:
        described["requestBody"] = _request_body(operation)
    return described


def _done(operation: Operation) -> dict[str, Schema]:
    if operation.upgrades:
        return {"101": {"description": "A WebSocket: see `LiveServerFrame` and `LiveClientFrame`"}}
    if not operation.response:
        text = {"text/plain": {"schema": {"type": "string"}}}
        return {"200": {"description": "Done", "content": text}}
    done: Schema = {"description": "Done", "content": _content(_MEDIA, operation.response)}
    return {"200": {**done, "headers": {"ETag": _ETAG}} if operation.conditional else done}


def _unchanged(operation: Operation) -> dict[str, Schema]:
    return {"304": {"description": "Unchanged"}} if operation.conditional else {}


def _refusals(operation: Operation) -> dict[str, Schema]:
    """One response for each status that the operation's codes have; it names them."""
    by_status: dict[int, list[str]] = {}
    for code, problem_type in PROBLEM_TYPES.items():
        if code in operation.codes:
            by_status.setdefault(problem_type.status, []).append(code)
    return {
        str(status): {
            "description": ", ".join(f"`{code}`" for code in codes),
            "content": _content(_PROBLEM_MEDIA, "Problem"),
        }
        for status, codes in sorted(by_status.items())
    }


def _request_body(operation: Operation) -> Schema:
    content: dict[str, Any] = _content(_MEDIA, operation.request)
    content["application/json"]["examples"] = REQUEST_EXAMPLES[operation.id]
    return {"required": True, "content": content}


def _content(media_types: Sequence[str], name: str) -> dict[str, Schema]:
    return {media_type: {"schema": reference(name)} for media_type in media_types}


def _path_parameter(name: str) -> Schema:
    me = "; `me` is the caller" if name == "user_id" else ""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": ID_RULE + me,
        "schema": {"type": "string", "maxLength": ID_LENGTH_MAX},
        "example": "alice" if name == "user_id" else name.replace("_id", "-1"),
    }


def _query_parameter(parameter: QueryParameter) -> Schema:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": parameter.schema,
        "explode": False,
    }
