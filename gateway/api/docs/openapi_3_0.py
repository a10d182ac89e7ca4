"""An OpenAPI 3.1 document downgraded to 3.0, for readers that know nothing newer.

Only what our document uses is downgraded: `null` as a type, `const`, tuples, keys of maps, empty
lists of required members.

Not for: programs; they get the 3.1 document.
"""

from typing import Any


def downgrade(document: dict[str, Any]) -> dict[str, Any]:
    """A copy of `document` as OpenAPI 3.0."""
    copy: dict[str, Any] = _downgraded(document)
    copy["openapi"] = "3.0.3"
    copy["info"].pop("summary", None)
    return copy


def _downgraded(node: Any) -> Any:
    if isinstance(node, list):
        return [_downgraded(item) for item in node]
    if not isinstance(node, dict):
        return node
    older = {
        key: _downgraded(value)
        for key, value in node.items()
        if key not in ("const", "prefixItems", "propertyNames", "patternProperties")
    }
    if older.get("required") == []:
        del older["required"]
    if "const" in node:
        older["enum"] = [node["const"]]
    if "prefixItems" in node:  # of one kind each
        older["items"] = _downgraded(node["prefixItems"][0])
    for values in node.get("patternProperties", {}).values():
        older["additionalProperties"] = _downgraded(values)
    return _with_nullable(older)


def _with_nullable(node: dict[str, Any]) -> dict[str, Any]:
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    others = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    if len(others) == 1 and "$ref" not in others[0]:
        return {**rest, **others[0], "nullable": True}
    return {**rest, "anyOf": others, "nullable": True}
