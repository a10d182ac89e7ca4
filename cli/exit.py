"""Exit codes of every command, and how a command leaves: sentences on stderr, never a traceback.

| code | meaning |
|---|---|
| 0 | it was done |
| 1 | it was done, and what was looked at is wrong: damage, rules or a story to mend |
| 2 | it could not be done: wrong use, wrong settings, nothing there, or no answer |
| 3 | `serve` ended because another server has taken over its store (`gateway.server.serve`) |
| 130 | interrupted |
"""

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import typer

DONE, BAD_CONTENT, NOT_DONE, INTERRUPTED = 0, 1, 2, 130


def leave_at_once(code: str | int | None) -> NoReturn:
    """End the process without taking Python down first.

    The object store client's threads may be about to call Python; where they meet one that is going
    down the process is aborted (seen in one command of twenty), though all was done.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code if isinstance(code, int) else DONE if code is None else BAD_CONTENT)


def fail(*problems: str, code: int = NOT_DONE) -> NoReturn:
    """Print each of `problems` on a line of stderr, and leave."""
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)


def fail_from(error: Exception, code: int = NOT_DONE) -> NoReturn:
    """Leave with what `error` says: each of its `problems`, or its message."""
    problems: Sequence[str] = getattr(error, "problems", [str(error)])
    fail(*problems, code=code)
