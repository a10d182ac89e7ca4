"""Plain words for refusals: what a JSON schema expects, for command fields and settings alike.

Not for: checking anything, or for what came instead (`domain.wording`).
"""

from collections.abc import Sequence
from typing import Any

from domain.ids import ID_PATTERN, ID_RULE
from domain.wording import describe_value

Schema = dict[str, Any]


def describe_schema(schema: Schema, definitions: Schema) -> str:
    """What fits `schema`, in words: "a whole number from 1 to 100"."""
    schema = resolved(schema, definitions)
    if "anyOf" in schema:
        kinds = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
        words = " or ".join(describe_schema(kind, definitions) for kind in kinds)
        return words if len(kinds) == len(schema["anyOf"]) else f"{words}, or null"
    if "const" in schema:
        return describe_value(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "integer":
            return _number("a whole number", schema)
        case "number":
            return _number("a number", schema)
        case "boolean":
            return "true or false"
        case "string":
            return _text(schema)
        case "array":
            return _list(schema, definitions)
        case "object":
            return _object(schema)
        case _:
            return "another value"


def schema_at(schema: Schema, definitions: Schema, path: Sequence[str | int]) -> Schema | None:
    """The part of `schema` that `path` leads to; None where nothing may stand there.

    A last part `[key]` is pydantic's way to say: the key of the entry, not its value.
    """
    for index, part in enumerate(path):
        schema = resolved(schema, definitions)
        if "anyOf" in schema:
            branches = (schema_at(choice, definitions, path[index:]) for choice in schema["anyOf"])
            return next((branch for branch in branches if branch is not None), None)
        if part == "[key]":
            return schema
        following = _step(schema, part, path[index + 1 :])
        if following is None:
            return None
        schema = following
    return resolved(schema, definitions)


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """`schema` itself, or what its `$ref` names."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _step(schema: Schema, part: str | int, rest: Sequence[str | int]) -> Schema | None:
    if isinstance(part, int):
        return schema.get("items") if schema.get("type") == "array" else None
    properties: Schema = schema.get("properties", {})
    if part in properties:
        return dict(properties[part])
    if list(rest) == ["[key]"]:
        return {"type": "string", "pattern": ID_PATTERN}
    for entries in (
        schema.get("additionalProperties"),
        *schema.get("patternProperties", {}).values(),
    ):
        if isinstance(entries, dict):
            return entries
    return None


def _text(schema: Schema) -> str:
    pattern = schema.get("pattern")
    if pattern == ID_PATTERN:
        return f"an id, {ID_RULE}"
    return str(schema.get("description", f"text of the form {pattern}")) if pattern else "text"


def _number(kind: str, schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{kind} from {least} to {most}"
    if least is not None:
        return f"{kind} of at least {least}"
    if "exclusiveMinimum" in schema:
        return f"{kind} above {schema['exclusiveMinimum']}"
    return kind


def _list(schema: Schema, definitions: Schema) -> str:
    items = resolved(schema.get("items", {}), definitions)
    each = f", each {describe_schema(items, definitions)}" if "enum" in items else ""
    most = f" of at most {schema['maxItems']}" if "maxItems" in schema else ""
    return f"a list{most}{each}"


def _object(schema: Schema) -> str:
    if "properties" in schema:
        return f"an object with {', '.join(schema['properties'])}"
    most = schema.get("maxProperties")
    return "an object" if most is None else f"an object of at most {most} entries"
