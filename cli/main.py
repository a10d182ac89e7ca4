"""The command line: `questkeep serve | token | settings | rules | store | cluster | user | …`.

Every command imports what it needs when it runs, so that `--help` and `version` answer at once.
What the user got wrong is one sentence on stderr and an exit code (`exit`), never a traceback.

Not for: doing any of it (`gateway`, `designer`).
"""

import json
import sys
from typing import Annotated, Any

import typer

from cli.cluster.commands import cluster_cli, user_cli
from cli.conformance.command import conformance_command
from cli.exit import fail, fail_from, leave_at_once
from cli.help import AsJson, PlainCommand
from cli.rules import rules_cli
from cli.settings import settings_command, with_settings
from cli.simulate import simulate_command
from cli.store.commands import store_cli

cli = typer.Typer(
    name="questkeep",
    help="Actor-based in-memory game state server.",
    epilog="Exit codes: 0 done; 1 what was looked at is wrong (damage, rules, a story); "
    "2 not done (wrong use or settings, nothing there, no answer); "
    "3 another server has taken over; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@with_settings
def serve_command(flags: dict[str, str | None], settings_file: str | None) -> None:
    """Start the server.

    Example: questkeep serve --port 9000 --store file:///srv/questkeep
    """
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load

    try:
        settings = load(flags, settings_file).settings
        from gateway.server.preflight import CannotStart
        from gateway.server.serve import serve

        try:
            code = serve(settings)
        except CannotStart as error:
            fail_from(error)
    except WrongSettings as error:
        fail_from(error)
    raise typer.Exit(code)


@with_settings
def gateway_command(flags: dict[str, str | None], settings_file: str | None) -> None:
    """Start one more gateway of a server.

    The server runs on a Ray cluster; the gateway may be on any of its nodes.  It takes the
    server's settings: ray, store, placement, and what tokens are checked with.

    Example: questkeep gateway --ray 10.0.0.1:6379 --placement packed --store s3://bucket/questkeep
    """
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load

    try:
        settings = load(flags, settings_file).settings
        from gateway.server.joined import join_and_serve
        from gateway.server.preflight import CannotStart

        try:
            code = join_and_serve(settings)
        except CannotStart as error:
            fail_from(error)
    except WrongSettings as error:
        fail_from(error)
    raise typer.Exit(code)


def _bearer(role: str) -> Any:
    return typer.Option(metavar="NAME", help=f"The {role} this token is for.")


def token_command(
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="The player this token is for.")
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="The service this token is for.")
    ] = None,
    operator: Annotated[
        str | None, typer.Option(metavar="NAME", help="The operator this token is for.")
    ] = None,
    hours: Annotated[
        float, typer.Option(metavar="HOURS", help="How long it is valid.", min=0.01, max=8760)
    ] = 24.0,
) -> None:
    """Print a token for development.

    It is signed with the secret of the server that is started in the same folder.

    Example: questkeep token --user alice
    """
    from gateway.auth.authenticator import Role
    from gateway.auth.tokens import mint, signing
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load

    named = [
        (role, name)
        for role, name in zip(Role, (user, service, operator), strict=True)
        if name is not None
    ]
    if len(named) != 1:
        fail("Say who it is for, and only one: --user NAME, --service NAME or --operator NAME.")
    [(role, name)] = named
    _check_name(name)
    try:
        how_signed = signing(load({}).settings)
    except WrongSettings as error:
        fail_from(error)
    if how_signed.secret is None:
        fail("Tokens come from your identity provider (jwks is set): ask it for one.")
    if how_signed.made_now:
        typer.echo(
            "Made a development secret in this folder; start the server here, too.", err=True
        )
    typer.echo(mint(how_signed.secret, name, role, hours))


def version_command(as_json: AsJson = False) -> None:
    """Print the versions of Questkeep, Python and Ray.

    Example: questkeep version --json
    """
    from gateway.versions import installed

    versions = {
        "questkeep": installed("questkeep"),
        "python": sys.version.partition(" ")[0],
        "ray": installed("ray"),
    }
    if as_json:
        typer.echo(json.dumps(versions))
        return
    typer.echo("  ".join(f"{name} {version}" for name, version in versions.items()))


for name, command in (
    ("serve", serve_command),
    ("gateway", gateway_command),
    ("token", token_command),
    ("settings", settings_command),
    ("simulate", simulate_command),
    ("conformance", conformance_command),
    ("version", version_command),
):
    cli.command(name, cls=PlainCommand)(command)
cli.add_typer(rules_cli, name="rules")
cli.add_typer(store_cli, name="store")
cli.add_typer(cluster_cli, name="cluster")
cli.add_typer(user_cli, name="user")


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: it is done, with the exit code.
    """
    try:
        cli(prog_name="questkeep")
    except SystemExit as left:
        if "obstore" in sys.modules:
            leave_at_once(left.code)
        raise


def _check_name(name: str) -> None:
    from domain.ids import ID_RULE, is_user_id

    if not is_user_id(name):
        fail(f"The name is {json.dumps(name[:60])}, expected {ID_RULE}, and not 'me'.")
