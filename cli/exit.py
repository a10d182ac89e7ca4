"""Exit codes of every command, and how a command leaves: sentences on stderr, never a traceback.

| code | meaning |
|---|---|
| 0 | it was done |
| 1 | it was done, and what was looked at is wrong: damage, rules or a story to mend |
| 2 | it could not be done: wrong use, wrong settings, nothing there, or no answer |
| 3 | `serve` ended because another server has taken over its store (`gateway.server.serve`) |
| 130 | interrupted |
"""

from collections.abc import Sequence
from typing import NoReturn

import typer

DONE, BAD_CONTENT, NOT_DONE, INTERRUPTED = 0, 1, 2, 130


def fail(*problems: str, code: int = NOT_DONE) -> NoReturn:
    """Print each of `problems` on a line of stderr, and leave."""
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)


def fail_from(error: Exception, code: int = NOT_DONE) -> NoReturn:
    """Leave with what `error` says: each of its `problems`, or its message."""
    problems: Sequence[str] = getattr(error, "problems", [str(error)])
    fail(*problems, code=code)
