"""`questkeep cluster …` and `questkeep user …`: a running cluster, its size, and where a user is.

None of them imports Ray: they ask the running server over HTTP, or read a file.

Not for: asking (`asking`), or printing (`output`).
"""

from pathlib import Path
from typing import Annotated

import typer

from cli.exit import BAD_CONTENT, fail_from
from cli.help import AsJson, PlainCommand

cluster_cli = typer.Typer(
    help="A cluster: how it is now, and what its file would do.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
user_cli = typer.Typer(help="One user.", no_args_is_help=True, rich_markup_mode=None)

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The server; else the one of the settings here."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="A token of a service or operator; else one of the secret in the settings.",
    ),
]


@cluster_cli.callback()
def cluster() -> None:
    """A cluster: how it is now, and what its file would do."""


@user_cli.callback()
def user() -> None:
    """One user."""


@cluster_cli.command("status", cls=PlainCommand)
def status_command(url: Url = None, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Show hosts, nodes and Ray's head as the server saw them last.

    Exit code 1 when a host is away, a node is missing, the head is silent, or builds differ.

    Example: questkeep cluster status --url http://10.0.0.1:8080
    """
    from cli.cluster.asking import ask
    from cli.cluster.output import print_status, troubles

    status = ask("/v1/operations/cluster", url, token_file)
    print_status(status, as_json=as_json)
    if troubles(status):
        raise typer.Exit(BAD_CONTENT)


@cluster_cli.command("check", cls=PlainCommand)
def check_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file for Ray's launcher.")],
    as_json: AsJson = False,
) -> None:
    """Find dangerous or contradictory settings in a cluster.yaml.

    Units of systemd that the file sends out are read with it.  Exit code 1 when there are any.

    Example: questkeep cluster check cluster.yaml
    """
    from cli.cluster.launcher_checks import findings
    from cli.cluster.launcher_file import CannotRead, read_launcher_file
    from cli.cluster.output import print_findings

    try:
        found = findings(read_launcher_file(path))
    except CannotRead as error:
        fail_from(error)
    print_findings(found, as_json=as_json)
    if found:
        raise typer.Exit(BAD_CONTENT)


@cluster_cli.command("scale", cls=PlainCommand)
def scale_command(
    hosts: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_024, help="How many hosts there are to be.")
    ],
    url: Url = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Have so many hosts while the server serves, with local placement.

    Users move a slot at a time; no command fails, and none waits for more than two seconds.
    It is for now: the next start has as many hosts as its settings say.

    Example: questkeep cluster scale --hosts 4
    """
    from cli.cluster.asking import SCALE_SECONDS, ask
    from cli.cluster.output import print_status

    path = f"/v1/operations/cluster/scale?hosts={hosts}"
    status = ask(path, url, token_file, method="POST", seconds=SCALE_SECONDS)
    print_status(status, as_json=as_json)


@user_cli.command("where", cls=PlainCommand)
def where_command(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="The user's id.")],
    url: Url = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the host of a user, whether or not the user is in memory.

    Exit code 1 when that host is away.

    Example: questkeep user where alice
    """
    from urllib.parse import quote

    from cli.cluster.asking import ask
    from cli.cluster.output import is_open, print_place

    place = ask(f"/v1/operations/cluster/users/{quote(user_id, safe='')}", url, token_file)
    print_place(place, as_json=as_json)
    if not is_open(place["host"]):
        raise typer.Exit(BAD_CONTENT)
