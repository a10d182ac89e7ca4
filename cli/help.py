"""What all commands share: `--json`, and help texts without Python's types.

A help text says `BACKUP [URL]`, not `{BACKUP [URL]}... <list[str]>`.
"""

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_TYPE = re.compile(r" <[a-z\[\] ]+>")
_RANGE = re.compile(r"([\d.]+)<=x<=([\d.]+)")
_BRACES = re.compile(r"\{([^{}\n]+)\}(?:\.\.\.)?|\[((?:\[[^][]+\] ?)+)\](?:\.\.\.)?")


class PlainCommand(TyperCommand):
    """A command whose arguments are shown as their metavar spells them."""

    def get_usage(self, ctx: Any) -> str:
        """The first line of the help text, which errors show too."""
        return _without_braces(super().get_usage(ctx))

    def get_help(self, ctx: Any) -> str:
        """The help text."""
        text = _TYPE.sub("", super().get_help(ctx))
        return _without_braces(_RANGE.sub(r"\1 to \2", text))


def _without_braces(text: str) -> str:
    return _BRACES.sub(lambda braces: braces[1] or braces[2], text)
