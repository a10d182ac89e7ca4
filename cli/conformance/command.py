"""`questkeep conformance`: does a client keep the live protocol?

Not for: what is asked of it (the cases) or how they are played (`run`).
"""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exit import BAD_CONTENT, fail
from cli.help import AsJson

if TYPE_CHECKING:
    from cli.conformance.run import Outcome

ClientCommand = Annotated[
    str, typer.Option("--client", metavar="CMD", help="Starts the client, as a shell would.")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help="Play only this case; may be repeated."),
]


def conformance_command(client: ClientCommand, only: Only = None, as_json: AsJson = False) -> None:
    """Hold a client to the live protocol.

    The client is started anew for each case; it takes one JSON object a line from stdin and prints
    what it saw (docs/conformance.md).

    Example: questkeep conformance --client "node my_client.js"
    """
    from cli.conformance.client_under_test import started_by
    from cli.conformance.run import CASES, name_of, run
    from domain.wording import nearest

    names = [name_of(case) for case in CASES]
    unknown = [name for name in only or () if name not in names]
    if unknown:
        meant = nearest(unknown[0], names)
        hint = f"did you mean {meant}?" if meant else "a run without --case names them all."
        fail(f"There is no case {unknown[0]!r}: {hint}")
    chosen = [case for case in CASES if not only or name_of(case) in only]
    tell = (lambda outcome: None) if as_json else _tell
    try:
        outcomes = asyncio.run(run(started_by(client), chosen, tell))
    except OSError as error:
        fail(f"The client {client!r} cannot be started: {error.strerror}.")
    except ValueError as error:
        fail(f"The client {client!r} cannot be started: {error}.")
    held = sum(outcome.failure is None for outcome in outcomes)
    if as_json:
        cases = [{"case": one.name, "failure": one.failure} for one in outcomes]
        typer.echo(json.dumps({"held": held, "of": len(outcomes), "cases": cases}))
    else:
        typer.echo(f"{held} of {len(outcomes)} cases held.")
    if held < len(outcomes):
        raise typer.Exit(BAD_CONTENT)


def _tell(outcome: "Outcome") -> None:
    if outcome.failure is None:
        typer.echo(f"held    {outcome.name}")
    else:
        typer.echo(f"FELL    {outcome.name}\n        {outcome.sentence}\n        {outcome.failure}")
