"""Typed bodies: the commands of a body, decoded and checked by one call for all of them.

Nearly every body is right, and is read here.  What is refused here is read again, field by field,
by `validation`, which says what is wrong; both take the same commands.

Not for: the structs (`command_structs`), or bodies without a struct for each of their commands.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any, get_args

import msgspec
from msgspec import UNSET, Struct

from actors.messages import Ask, Media
from domain.ids import are_ids
from domain.messages.commands import Command
from gateway.api.commands.command_structs import CommandStruct, NoStruct, command_struct, ids_of
from gateway.api.commands.reply_form import ReplyForm
from gateway.auth.authenticator import Caller, Role

BODY_BYTES_MAX = 256 * 1024
"""Longer bodies are checked a little at a time: this would hold up others for milliseconds."""


class TypedBody(Struct, frozen=True):
    """Commands, each checked; `alone` where the body is one, and no list."""

    asks: list[Ask]
    alone: bool


def read_typed_body(
    body: bytes, media: Media, form: ReplyForm, caller: Caller, user_id: str | None
) -> TypedBody | None:
    """The commands of `body`, or None where `validation` has to look.

    They are commands of `user_id`, or where that is None of many users: each then says whose it is.
    """
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        value = _DECODE[media](body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if isinstance(value, CommandStruct):
        if user_id is None or value.user_id is not UNSET or not _may_be_sent([value], caller):
            return None
        return TypedBody([_ask(value, form, user_id)], alone=True)
    commands: list[CommandStruct] = value
    users = [command.user_id for command in commands]
    if not _may_be_sent(commands, caller):
        return None
    if user_id is not None:
        if users.count(UNSET) != len(users):
            return None
        return TypedBody([_ask(command, form, user_id) for command in commands], alone=False)
    if UNSET in users or "me" in users or not are_ids(users):  # type: ignore[arg-type]
        return None
    return TypedBody([_ask(command, form, command.user_id) for command in commands], alone=False)


def _may_be_sent(commands: Iterable[CommandStruct], caller: Caller) -> bool:
    """Whether all ids in them are some, and the caller may send commands of these types."""
    if caller.role is Role.PLAYER:
        allowed = caller.commands
        if any(_NAMES[type(command)] not in allowed for command in commands):
            return False
    ids: list[str | None] = []
    for command in commands:
        ids += ids_of(command)
    return are_ids(filter(None, ids))  # none is empty


def _ask(command: CommandStruct, form: ReplyForm, user_id: Any) -> Ask:
    # What is left is the command's content, however it was sent and whose it is.
    since, command.since, command.user_id = command.since, None, UNSET
    content = _encode_sorted(command)
    name = _NAMES[type(command)]
    return Ask(user_id, command.command_id, name, content, form.media, since, *form[1:])


_encode_sorted = msgspec.msgpack.Encoder(order="sorted").encode


def _structs() -> dict[type[CommandStruct], str]:
    structs: dict[type[CommandStruct], str] = {}
    for kind in get_args(Command):
        try:
            struct = command_struct(kind)
        except NoStruct:
            continue  # `validation` reads all of these
        structs[struct] = str(struct.__struct_config__.tag)
    return structs


_NAMES = _structs()
_ONE: Any = reduce(or_, _NAMES)
_DECODE: dict[Media, Callable[[bytes], Any]] = {
    Media.JSON: msgspec.json.Decoder(_ONE | list[_ONE]).decode,
    Media.MSGPACK: msgspec.msgpack.Decoder(_ONE | list[_ONE]).decode,
}
