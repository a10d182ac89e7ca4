"""Holds every response of the API against its description: codes, and bodies member by member.

The description lets a newer server add members; here an undescribed one is a mistake.
"""

import json
from functools import cache
from typing import Any

import msgpack
from jsonschema import Draft202012Validator

from gateway.api.app import App
from gateway.api.docs.openapi import openapi_document
from gateway.api.routes import Operation
from gateway.http.messages import Request, Response

REFS = "#/components/schemas/"


def check_response(app: App, request: Request, response: Response) -> None:
    """Fail unless the description has this response among those of its operation."""
    place, _ = app.routes.match(request.path)
    route = None if place is None else place.route(request.method)
    if route is None or route.operation is None or not response.body:
        return
    if response.code:
        assert response.code in route.operation.codes, f"{route.operation.id}: {response.code}"
        _validator("Problem").validate(_value(response))
        return
    if any(name == b"prefer" for name, _ in request.headers):
        _check_brief(_value(response))
    elif route.operation.response and response.status == 200:
        _validator(route.operation.response).validate(_value(response))
        _check_codes(route.operation, _value(response))


def _check_brief(value: Any) -> None:
    for outcome in value if isinstance(value, list) else [value]:
        whose = "User" if "user_id" in outcome else ""
        reply = f"{whose}Reply" if "changes" in outcome else f"Brief{whose}Reply"
        kind = "Problem" if "code" in outcome else reply
        _validator(kind).validate(outcome)


def _check_codes(operation: Operation, value: Any) -> None:
    if isinstance(value, list):
        codes = {outcome["code"] for outcome in value if "code" in outcome}
        assert codes <= operation.codes, f"{operation.id}: {codes - operation.codes}"


def _value(response: Response) -> Any:
    if b"msgpack" in response.content_type:
        return msgpack.unpackb(response.body)
    return json.loads(response.body)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": REFS + name, **_closed_components()})


@cache
def _closed_components() -> dict[str, Any]:
    schemas = openapi_document(())["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {"components": {"schemas": schemas}}
