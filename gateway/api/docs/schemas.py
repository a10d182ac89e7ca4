"""The named schemas of the API, made from the types that the server itself uses.

Commands come from the pydantic models that check them, rows, events and bodies from structs, codes
from the table of refusals; so the description cannot fall behind them.

What a client relies on: no schema has a `default`; a member that may be absent is not required, and
one that is always there is; every union of objects that have a tag is a `oneOf` with its
discriminator.

Not for: paths and operations (`openapi`).
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from domain.messages.commands import command_adapter
from gateway.api.bodies import STRUCTS, Rules
from gateway.api.changes.connection_frames import CLIENT_FRAMES, SERVER_FRAMES
from gateway.api.changes.frames import FRAMES
from gateway.api.rules_endpoint import Reloaded
from gateway.options import BATCH_MAX, LIST_MAX
from gateway.problems import PROBLEM_TYPES, Retry

Schema = dict[str, Any]

REFS = "#/components/schemas/"
_NAMES = {"ReplyBody": "Reply"}
"""What a type is called in the description, where that is not its own name."""
_TAGS = ("type", "kind")
_STRUCTS: tuple[type[Struct], ...] = (*STRUCTS, *FRAMES, *SERVER_FRAMES, *CLIENT_FRAMES, Reloaded)
_NULL = {"type": "null"}


def named_schemas() -> dict[str, Schema]:
    """Every schema that has a name, by its name."""
    structs = _structs()
    schemas = {**_rules(), **_commands(), **structs, **_unions(structs), **_problems()}
    tidy = {_NAMES.get(name, name): _tidy(schema) for name, schema in schemas.items()}
    for schema in tidy.values():
        _tag_unions(schema, tidy)
    return dict(sorted(tidy.items()))


def reference(name: str) -> Schema:
    """A schema that is another, by name."""
    return {"$ref": REFS + name}


def list_of(name: str, most: int | None = None) -> Schema:
    """A list of what is called `name`."""
    schema: Schema = {"type": "array", "items": reference(name)}
    return schema if most is None else {**schema, "maxItems": most}


def _commands() -> dict[str, Schema]:
    """`Command` and what it is made of.  A member with a default may be left out.

    `UserCommand` is the same with a `user_id` in each, spelt out: generators make nothing useful of
    a union that is composed with another member.
    """
    command = command_adapter.json_schema(ref_template=REFS + "{model}")
    models: dict[str, Schema] = command.pop("$defs")
    for target in command["discriminator"]["mapping"].values():
        # Every command has a default type in Python; on the wire the type must be there.
        models[target.removeprefix(REFS)]["required"].insert(0, "type")
    addressed = {}
    for target in command["discriminator"]["mapping"].values():
        name = target.removeprefix(REFS)
        properties = {"user_id": {"type": "string"}, **models[name]["properties"]}
        required = ["user_id", *models[name]["required"]]
        addressed[f"{name}OfUser"] = {
            **models[name],
            "properties": properties,
            "required": required,
        }
    user_command = {
        "description": "A command, and whose it is.",
        "oneOf": [reference(name) for name in addressed],
    }
    return {**models, **addressed, "Command": command, "UserCommand": user_command}


def _rules() -> dict[str, Schema]:
    """`Rules` and its sections.  Everything is there, but what a loot table does not use."""
    rules = Rules.model_json_schema(mode="serialization", ref_template=REFS + "{model}")
    models: dict[str, Schema] = rules.pop("$defs")
    for schema in (*models.values(), rules):
        schema.pop("additionalProperties", None)  # a newer server may show more
        for name, member in schema.get("properties", {}).items():
            absent_when_null = name in ("item", "currency", "affinity")
            if absent_when_null:
                schema["properties"][name] = _without_null(member)
            elif name not in schema.setdefault("required", []):
                schema["required"].append(name)
    return {**models, "Rules": rules}


def _structs() -> dict[str, Schema]:
    """Rows, events and bodies.  Defaults are left out where the struct says so."""
    structs = {struct.__name__: struct for struct in _reachable(_STRUCTS)}
    _, schemas = msgspec.json.schema_components(structs.values(), ref_template=REFS + "{name}")
    for name, struct in structs.items():
        schema = schemas[name]
        omits = struct.__struct_config__.omit_defaults
        for member, value in schema["properties"].items():
            if omits and "default" in value:
                schema["properties"][member] = _without_null(value)
            elif "default" in value:
                schema["required"].append(member)
    return schemas


def _reachable(structs: tuple[type[Struct], ...]) -> Iterator[type[Struct]]:
    """These structs and every one that they are made of."""
    to_visit: list[Any] = list(msgspec.inspect.multi_type_info(structs))
    seen = set()
    while to_visit:
        info = to_visit.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls not in seen:
                seen.add(info.cls)
                yield info.cls
                to_visit += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            to_visit += info.types
        else:
            for part in ("item_type", "key_type", "value_type"):
                if isinstance(inner := getattr(info, part, None), msgspec.inspect.Type):
                    to_visit.append(inner)


def _unions(structs: Mapping[str, Schema]) -> dict[str, Schema]:
    """Unions that clients name; the events of a reply among them."""
    bodies = ("ReplyBody", "UserReply", "ChangesFrame", "ReplyFrame")
    events = [structs[body]["properties"]["events"] for body in bodies]
    event = {"description": "Something that happened to the user.", **events[0]["items"]}
    for listed in events:
        listed["items"] = reference("Event")
    outcome = {
        "description": "What became of one command of a list: a problem is what has a `code`.",
        "oneOf": [reference("Reply"), reference("Problem")],
    }
    user_outcome = {
        "description": "What became of one command of many users: a problem is what has a `code`.",
        "oneOf": [reference("UserReply"), reference("Problem")],
    }
    resume_frame = {
        "description": "What whoever resumes is told of a user.",
        "oneOf": [reference(frame) for frame in ("StateFrame", "ChangesFrame", "CaughtUpFrame")],
    }
    server_frame = {
        "description": "What the server says on a live connection.",
        "oneOf": [
            *(reference(frame.__name__) for frame in (*FRAMES, *SERVER_FRAMES)),
            reference("ProblemFrame"),
        ],
    }
    control_frame = {
        "description": "What a client says beside commands.",
        "oneOf": [reference(frame.__name__) for frame in CLIENT_FRAMES],
    }
    client_frame = {
        "description": "What a client says: a command (of a user, on a line of many), or another.",
        "anyOf": [reference(name) for name in ("Command", "UserCommand", "ControlFrame")],
    }
    return {
        "LiveServerFrame": server_frame,
        "LiveClientFrame": client_frame,
        "ControlFrame": control_frame,
        "Event": event,
        "CommandOutcome": outcome,
        "UserCommands": list_of("UserCommand", BATCH_MAX),
        "UserCommandOutcome": user_outcome,
        "UserCommandOutcomes": list_of("UserCommandOutcome"),
        "CommandOrCommands": {"oneOf": [reference("Command"), list_of("Command", LIST_MAX)]},
        "ResumeFrame": resume_frame,
        "ResumeFrames": list_of("ResumeFrame"),
        "ReplyOrOutcomes": {"oneOf": [reference("Reply"), list_of("CommandOutcome")]},
    }


def _problems() -> dict[str, Schema]:
    """A problem, and the same as a frame: its `type` then says that, in place of a page."""
    problem = _problem()
    of_frame = {**problem["properties"], "type": {"type": "string", "const": "problem"}}
    about = "A refusal, of the command that it names."
    frame = {**problem, "description": about, "properties": of_frame}
    return {"Problem": problem, "ProblemFrame": frame}


def _problem() -> Schema:
    text = {"type": "string"}
    error_members = {"field": text, "came": text, "expected": text}
    error = {"type": "object", "properties": error_members, "required": list(error_members)}
    retry = "`same`: the same command, later; `new`: another one under another id; or `never`."
    return {
        "type": "object",
        "description": "A refusal (RFC 9457). `code` is stable.",
        "properties": {
            "type": {"type": "string", "description": "Where the code is explained."},
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(PROBLEM_TYPES)},
            "detail": text,
            "retry": {"type": "string", "enum": list(Retry), "description": retry},
            "command_id": text,
            "user_id": text,
            "retry_after_ms": {"type": "integer"},
            "errors": {"type": "array", "items": error},
            "problems": {"type": "array", "items": text},
            "request_id": text,
        },
        "required": ["type", "title", "status", "code", "detail", "retry"],
    }


def _without_null(schema: Schema) -> Schema:
    """`schema`, null no longer among its choices."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    if not choices:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **choices[0]} if len(choices) == 1 else {**rest, "anyOf": choices}


def _tidy(schema: Schema) -> Schema:
    """`schema` without what misleads generators: defaults, titles, empty lists of members."""
    tidy: Schema = {}
    for key, value in schema.items():
        if key in ("default", "title") or (key == "required" and not value):
            continue
        if key == "properties":
            tidy[key] = {name: _tidy(_timed(name, member)) for name, member in value.items()}
        elif key == "$ref":
            name = value.removeprefix(REFS)
            tidy[key] = REFS + _NAMES.get(name, name)
        elif key == "enum" and len(value) == 1:
            tidy["const"] = value[0]
        elif key == "description":
            tidy[key] = inspect.cleandoc(value)
        elif isinstance(value, dict):
            tidy[key] = _tidy(value)
        elif isinstance(value, list):
            tidy[key] = [_tidy(item) if isinstance(item, dict) else item for item in value]
        else:
            tidy[key] = value
    return tidy


def _tag_unions(node: Any, schemas: Mapping[str, Schema]) -> None:
    """Make a `oneOf` with its discriminator of every union whose members have a tag."""
    if isinstance(node, list):
        for item in node:
            _tag_unions(item, schemas)
    elif isinstance(node, dict):
        for key in ("anyOf", "oneOf"):
            tagged = _tagged(node.get(key, ()), schemas)
            if tagged is not None:
                choices = node.pop(key)
                node["oneOf"], node["discriminator"] = choices, tagged
        for value in node.values():
            _tag_unions(value, schemas)


def _tagged(choices: Sequence[Schema], schemas: Mapping[str, Schema]) -> Schema | None:
    """The discriminator of these choices; None where they have no tag that tells them apart."""
    references = [choice.get("$ref", "") for choice in choices]
    targets = [schemas.get(name.removeprefix(REFS), {}) for name in references]
    for tag in _TAGS:
        members = [target.get("properties", {}).get(tag, {}) for target in targets]
        values = [member.get("const") for member in members]
        if len(values) > 1 and all(values) and len(set(values)) == len(values):
            return {"propertyName": tag, "mapping": dict(zip(values, references, strict=True))}
    return None


def _timed(name: str, member: Schema) -> Schema:
    if name != "at" and not name.endswith("_at"):
        return member
    return {**member, "description": "Microseconds since 1970-01-01, UTC."}
