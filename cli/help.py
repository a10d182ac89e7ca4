"""Help texts without Python's types: `BACKUP [URL]`, not `{BACKUP [URL]}... <list[str]>`."""

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[a-z\[\] ]+>")
_RANGE = re.compile(r"([\d.]+)<=x<=([\d.]+)")
_BRACES = re.compile(r"\{([^{}\n]+)\}(?:\.\.\.)?|\[((?:\[[^][]+\] ?)+)\](?:\.\.\.)?")


class PlainCommand(TyperCommand):
    """A command whose arguments are shown as their metavar spells them."""

    def get_help(self, ctx: Any) -> str:
        """The help text."""
        text = _TYPE.sub("", super().get_help(ctx))
        text = _RANGE.sub(r"\1 to \2", text)
        return _BRACES.sub(lambda found: found[1] or found[2], text)
