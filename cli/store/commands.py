"""`questkeep store …`: look at what is stored, check it, move it, keep copies of it.

A store is named by its URL or, on disk, by its folder; where none is named it is the one that
`questkeep serve` would use.

Not for: doing any of it (`actions`, `persistence.maintenance`).
"""

from pathlib import Path
from typing import Annotated

import typer

from cli.exit import fail
from cli.help import AsJson, PlainCommand

store_cli = typer.Typer(
    help="Stored data: look at it, move it, back it up.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_STORE = "Without URL: the store that `questkeep serve` would use."
Users = Annotated[
    list[str] | None, typer.Option("--user", metavar="USER", help="Only this user; repeatable.")
]


@store_cli.command("inspect", cls=PlainCommand)
def inspect_command(
    places: Annotated[list[str] | None, typer.Argument(metavar="[URL] [USER]", help=_STORE)] = None,
    users: Annotated[
        bool, typer.Option("--users", help="Count users, too: this lists them all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a store in numbers, or one user.

    A user is shown as a server would serve them, with all rows.  Safe while a server runs.

    Example: questkeep store inspect file:///srv/questkeep alice
    """
    from cli.store import actions

    named = places or []
    if len(named) > 2:
        fail(f"A URL and a user are expected at most; {len(named)} arguments came.")
    url: str | None
    user: str | None
    if len(named) == 1 and "/" not in named[0]:  # no user id has a slash, every place has one
        url, user = None, named[0]
    else:
        url, user = [*named, None, None][:2]
    actions.run(actions.inspect(url, user, users=users, as_json=as_json))


@store_cli.command("verify", cls=PlainCommand)
def verify_command(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help=_STORE)] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything and report damage.

    Exit code 1 when there is any.  Safe while a server runs.

    Example: questkeep store verify s3://bucket/questkeep
    """
    from cli.store import actions

    actions.run(actions.verify(url, as_json=as_json))


@store_cli.command("export", cls=PlainCommand)
def export_command(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help=_STORE)] = None,
    user: Users = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="File to write; else stdout."),
    ] = None,
) -> None:
    """Write users as JSON lines.

    One user a line; all of them, or those who are named.  Safe while a server runs.

    Example: questkeep store export --user alice -o alice.jsonl
    """
    from cli.store import actions

    actions.run(actions.export(url, user or [], out))


@store_cli.command("import", cls=PlainCommand)
def import_command(
    places: Annotated[
        list[str], typer.Argument(metavar="[URL] FILE", help=f"FILE may be - for stdin.  {_STORE}")
    ],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Also overwrite users who are as new or newer in the store."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read users from an export.

    The store must be one that no server serves.  Users who are as new or newer in the store are
    skipped and named; with --replace the imported state is written over theirs, as a new version.

    Example: questkeep store import s3://bucket/questkeep users.jsonl
    """
    from cli.store import actions

    url, file = _two(places, "A URL and a file", first_may_miss=True)
    actions.run(actions.import_(url, file, replace=replace, as_json=as_json))


@store_cli.command("backup", cls=PlainCommand)
def backup_command(
    places: Annotated[
        list[str],
        typer.Argument(metavar="[URL] DEST", help=f"DEST is an empty folder or URL.  {_STORE}"),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy every user to an empty place.

    The copy is a store itself.  Safe while a server runs.

    Example: questkeep store backup file:///srv/questkeep file:///mnt/backups/monday
    """
    from cli.store import actions

    url, destination = _two(places, "A URL and a destination", first_may_miss=True)
    actions.run(actions.backup(url, destination or "", as_json=as_json))


@store_cli.command("restore", cls=PlainCommand)
def restore_command(
    places: Annotated[
        list[str],
        typer.Argument(metavar="BACKUP [URL]", help=f"BACKUP is a folder or URL.  {_STORE}"),
    ],
    user: Users = None,
    as_json: AsJson = False,
) -> None:
    """Put users back from a backup.

    The store must be one that no server serves.  The state of the backup is written as a new
    version; users who are not in it stay as they are.

    Example: questkeep store restore file:///mnt/backups/monday --user alice
    """
    from cli.store import actions

    backup, url = _two(places, "A backup and a URL", first_may_miss=False)
    actions.run(actions.restore(backup or "", url, user or [], as_json=as_json))


@store_cli.command("delete", cls=PlainCommand)
def delete_command(
    places: Annotated[list[str], typer.Argument(metavar="[URL] USER", help=_STORE)],
    as_json: AsJson = False,
) -> None:
    """Remove one user from a store.

    The store must be one that no server serves.  Backups and exports keep theirs.

    Example: questkeep store delete file:///srv/questkeep alice
    """
    from cli.store import actions

    url, user = _two(places, "A URL and a user", first_may_miss=True)
    actions.run(actions.delete(url, user or "", as_json=as_json))


def _two(named: list[str], what: str, *, first_may_miss: bool) -> tuple[str | None, str | None]:
    """Two arguments, the first or the second of which may be left out."""
    if len(named) > 2:
        fail(f"{what} are expected; {len(named)} arguments came.")
    if len(named) == 2:
        return named[0], named[1]
    return (None, named[0]) if first_may_miss else (named[0], None)
