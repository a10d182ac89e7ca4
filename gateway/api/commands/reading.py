"""Command reading: a body's commands, each checked, or in its place why it is none.

Not for: bytes that take no look at single fields (`typed_bodies`), the checks (`validation`).
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.messages import Ask, Media
from domain.wording import describe_value
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.commands.typed_bodies import read_typed_body
from gateway.api.commands.validation import CommandChecker, check_all, commands_in, type_label
from gateway.api.media import read_body
from gateway.auth.authenticator import Caller
from gateway.options import BATCH_MAX, LIST_MAX
from gateway.problems import Problem

Entry = Ask | Problem
"""A command for a user's host, or why it is none."""


class ReadCommands(Struct, frozen=True):
    """The commands of one body.

    Attributes:
        alone: the body is one command, and no list.
        labels: the type of each, for counting.
    """

    entries: Sequence[Entry]
    labels: Sequence[str]
    alone: bool


async def read_commands(
    body: bytes, media: Media, form: ReplyForm, caller: Caller, user_id: str | None = None
) -> ReadCommands:
    """The commands of one user; or where `user_id` is None of many, who are named in each.

    Raises:
        Problem: it is no body of commands.
    """
    most = BATCH_MAX if user_id is None else LIST_MAX
    typed = read_typed_body(body, media, form, caller, user_id)
    if typed is not None and len(typed.asks) <= most:
        return ReadCommands(typed.asks, [ask.kind for ask in typed.asks], typed.alone)
    value = read_body(body, media)
    if user_id is None and isinstance(value, dict):
        detail = f"The body is {describe_value(value)}, expected a list of commands"
        raise Problem("malformed_body", detail)
    values = commands_in(value, most)
    checker = CommandChecker(caller)

    def check(command: object) -> Entry:
        whose, checked = (
            checker.check_addressed(command)
            if user_id is None
            else (user_id, checker.check(command))
        )
        if not isinstance(checked, Problem):
            return form.ask(whose, checked)
        if form.named:
            checked.user_id = whose or None
        return checked

    entries = await check_all(check, values)
    return ReadCommands(entries, [type_label(each) for each in values], values is not value)
