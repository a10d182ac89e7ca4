"""The command line: `questkeep serve | token | settings | rules | simulate | store | version`.

Every command imports what it needs when it runs, so that `--help` and `version` answer at once.
What the user got wrong is one sentence on stderr and exit code 2, never a traceback.

Not for: doing any of it (`gateway`, `designer`).
"""

import inspect
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from cli.rules import rules_cli
from cli.simulate import simulate_command
from cli.store.commands import store_cli
from gateway.options import OPTIONS, SECRETS, flag, variable

cli = typer.Typer(
    name="questkeep",
    help="Actor-based in-memory game state server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

cli.add_typer(rules_cli, name="rules")
cli.add_typer(store_cli, name="store")
cli.command("simulate")(simulate_command)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` a flag for every setting; it gets them as `flags`, and `settings_file`."""

    def run(settings: str | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in OPTIONS if name not in SECRETS}
        command(flags=flags, settings_file=settings, **given)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command).parameters.items()
        if name not in ("flags", "settings_file")
    ]
    shared = [_option("settings", "Settings file (default: questkeep.toml, where there is one).")]
    shared += [_option(name, text) for name, text in OPTIONS.items() if name not in SECRETS]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
    return run


def _option(name: str, text: str) -> inspect.Parameter:
    text = f"{text} [{variable(name)}]"
    option = typer.Option(flag(name), help=text, metavar="VALUE", show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


@cli.command("serve")
@with_settings
def serve_command(flags: dict[str, str | None], settings_file: str | None) -> None:
    """Start the server.

    Example: questkeep serve --port 9000 --store file:///srv/questkeep
    """
    from gateway.settings import WrongSettings, load

    try:
        settings = load(flags, settings_file).settings
        from gateway.server.serve import CannotStart, serve

        try:
            code = serve(settings)
        except CannotStart as error:
            _fail([str(error)])
    except WrongSettings as error:
        _fail(error.problems)
    raise typer.Exit(code)


@cli.command("token")
def token_command(
    user: Annotated[str | None, typer.Option(help="Player this token is for.")] = None,
    service: Annotated[str | None, typer.Option(help="Service this token is for.")] = None,
    operator: Annotated[str | None, typer.Option(help="Operator this token is for.")] = None,
    hours: Annotated[float, typer.Option(help="How long it counts.", min=0.01, max=8760)] = 24.0,
) -> None:
    """Print a token signed with this server's secret, for development.

    Example: questkeep token --user alice
    """
    from gateway.auth.authenticator import Role
    from gateway.auth.tokens import mint, signing
    from gateway.settings import WrongSettings, load

    named = [
        (role, name)
        for role, name in zip(Role, (user, service, operator), strict=True)
        if name is not None
    ]
    if len(named) != 1:
        _fail(["Name one: --user NAME, --service NAME or --operator NAME."])
    [(role, name)] = named
    _check_name(name)
    try:
        how_signed = signing(load({}).settings)
    except WrongSettings as error:
        _fail(error.problems)
    if how_signed.secret is None:
        _fail(["Tokens come from your identity provider (jwks is set): ask it for one."])
    if how_signed.made_now:
        typer.echo(
            "Made a development secret in this folder; start the server here, too.", err=True
        )
    typer.echo(mint(how_signed.secret, name, role, hours))


@cli.command("settings")
@with_settings
def settings_command(
    flags: dict[str, str | None], settings_file: str | None, as_json: AsJson = False
) -> None:
    """Print every setting, its value, and where that came from.

    Example: questkeep settings --port 9000
    """
    from gateway.settings import WrongSettings, load, shown_settings

    try:
        rows = shown_settings(load(flags, settings_file))
    except WrongSettings as error:
        _fail(error.problems)
    if as_json:
        named = {name: {"value": value, "origin": origin} for name, value, origin in rows}
        typer.echo(json.dumps(named, indent=2))
        return
    shown = [(name, "-" if value is None else str(value), origin) for name, value, origin in rows]
    width = max(len(value) for _, value, _ in shown)
    for name, value, origin in shown:
        typer.echo(f"{name:<24}{value:<{width}}  {origin}")


@cli.command("version")
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


def main() -> None:
    """Run the command line."""
    cli(prog_name="questkeep")


def _check_name(name: str) -> None:
    from domain.ids import ID_RULE, is_user_id

    if not is_user_id(name):
        _fail([f"The name is {json.dumps(name[:60])}, expected {ID_RULE}, and not 'me'."])


def _fail(problems: list[str]) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(2)
