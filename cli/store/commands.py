"""`questkeep store …`: look at what is stored, check it, move it, keep copies of it.

A store is named by its URL or, on disk, by its folder; where none is named it is the one that
`questkeep serve` would use.  Exit codes: 0 fine, 1 damage found, 2 wrong use or no answer.

Not for: doing any of it (`actions`, `persistence.maintenance`).
"""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

store_cli = typer.Typer(
    help="Look at a store, check it, move users, back up and restore.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_STORE = "Without URL it is the store that `questkeep serve` would use."
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Users = Annotated[
    list[str] | None, typer.Option("--user", metavar="USER", help="Only this user; repeatable.")
]


@store_cli.command("inspect")
def inspect_command(
    places: Annotated[list[str] | None, typer.Argument(metavar="[URL] [USER]", help=_STORE)] = None,
    users: Annotated[bool, typer.Option("--users", help="Count users: lists them all.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is stored: journals and snapshots, or one user whole.  Fine while serving.

    Example: questkeep store inspect file:///srv/questkeep alice
    """
    from cli.store import actions

    given = places or []
    if len(given) > 2:
        _fail("A URL and a user are expected, at most.")
    url: str | None
    user: str | None
    if len(given) == 1 and "/" not in given[0]:  # no user id has a slash, every place has one
        url, user = None, given[0]
    else:
        url, user = [*given, None, None][:2]
    actions.inspect(url, user, users=users, as_json=as_json)


@store_cli.command("verify")
def verify_command(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help=_STORE)] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything that is stored and report damage (exit 1).  Fine while serving.

    Example: questkeep store verify s3://bucket/questkeep
    """
    from cli.store import actions

    actions.verify(url, as_json=as_json)


@store_cli.command("export")
def export_command(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help=_STORE)] = None,
    user: Users = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="File to write; else stdout."),
    ] = None,
) -> None:
    """Write users as JSON lines, one user a line.  Fine while serving.

    Example: questkeep store export --user alice -o alice.jsonl
    """
    from cli.store import actions

    actions.export(url, user or [], out)


@store_cli.command("import")
def import_command(
    places: Annotated[
        list[str], typer.Argument(metavar="[URL] FILE", help=f"FILE may be - for stdin.  {_STORE}")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Lay over what stands and is as new.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read users from an export into a store that no server serves.

    Users who stand there as new or newer are skipped and named, unless --replace is given; the
    imported state is then written as a new version.

    Example: questkeep store import s3://bucket/questkeep users.jsonl
    """
    from cli.store import actions

    url, file = _two(places, "A URL and a file", first_may_miss=True)
    actions.import_(url, file, replace=replace, as_json=as_json)


@store_cli.command("backup")
def backup_command(
    places: Annotated[
        list[str],
        typer.Argument(metavar="[URL] DEST", help=f"DEST is an empty folder or URL.  {_STORE}"),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy every user, consistently, to a place that is itself a store.  Fine while serving.

    Example: questkeep store backup file:///srv/questkeep file:///mnt/backups/monday
    """
    from cli.store import actions

    url, destination = _two(places, "A URL and a destination", first_may_miss=True)
    actions.backup(url, destination or "", as_json=as_json)


@store_cli.command("restore")
def restore_command(
    places: Annotated[list[str], typer.Argument(metavar="BACKUP [URL]", help=_STORE)],
    user: Users = None,
    as_json: AsJson = False,
) -> None:
    """Put back everyone, or some users, from a backup into a store that no server serves.

    What stands is replaced, as a new version; users who are not in the backup stay as they are.

    Example: questkeep store restore file:///mnt/backups/monday --user alice
    """
    from cli.store import actions

    backup, url = _two(places, "A backup and a URL", first_may_miss=False)
    actions.restore(backup or "", url, user or [], as_json=as_json)


@store_cli.command("delete")
def delete_command(
    places: Annotated[list[str], typer.Argument(metavar="[URL] USER", help=_STORE)],
    as_json: AsJson = False,
) -> None:
    """Remove one user for good from a store that no server serves (not from its backups).

    Example: questkeep store delete file:///srv/questkeep alice
    """
    from cli.store import actions

    url, user = _two(places, "A URL and a user", first_may_miss=True)
    actions.delete(url, user or "", as_json=as_json)


def _two(given: list[str], what: str, *, first_may_miss: bool) -> tuple[str | None, str | None]:
    """Two arguments, the first or the second of which may be left out."""
    if len(given) > 2:
        _fail(f"{what} are expected; {len(given)} arguments came.")
    if len(given) == 2:
        return given[0], given[1]
    return (None, given[0]) if first_may_miss else (given[0], None)


def _fail(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(2)
