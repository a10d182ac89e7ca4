"""`questkeep rules show | check | plot | diff`: the rules file, for those who design with it.

Not for: what is in a rules file (`domain.rules.rules_file`), or changing the rules of a running
server (`gateway.server.rules_reload`).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exit import BAD_CONTENT, fail_from
from cli.help import AsJson, PlainCommand

if TYPE_CHECKING:
    from domain.rules.compiled_rules import Rules

rules_cli = typer.Typer(
    help="Rules files: show, check, plot, compare.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_WHICH = "Rules file, or a preset's name; without it, the rules that `questkeep serve` would use."
Which = Annotated[str | None, typer.Argument(metavar="FILE|PRESET", help=_WHICH)]
EveryLevel = Annotated[bool, typer.Option("--all", help="Show every level, not a choice of them.")]


@rules_cli.command("show", cls=PlainCommand)
def show_command(
    which: Which = None, every_level: EveryLevel = False, as_json: AsJson = False
) -> None:
    """Print the rules as tables.

    Levels, tiers of hostiles, pace bands, what shapes experience, loot, and the fingerprint.

    Example: questkeep rules show mmo60
    """
    from designer.drawing.terminal import output_console
    from designer.rules.tables import show
    from domain.rules.document import rules_document

    rules, _ = _rules(which)
    if as_json:
        typer.echo(json.dumps(rules_document(rules), indent=2))
    else:
        show(rules, output_console(), every_level=every_level)


@rules_cli.command("check", cls=PlainCommand)
def check_command(
    file: Annotated[str, typer.Argument(metavar="FILE|PRESET", help="Rules file to check.")],
    as_json: AsJson = False,
) -> None:
    """Check a rules file.

    Prints everything that is wrong with it, and how to mend it; exit code 1 if anything is.

    Example: questkeep rules check rules.toml
    """
    from domain.rules.compiled_rules import InvalidRules

    try:
        rules = _read(file)[0]
    except InvalidRules as error:
        if as_json:
            typer.echo(json.dumps({"file": file, "problems": error.problems}, indent=2))
            raise typer.Exit(BAD_CONTENT) from None
        fail_from(error, BAD_CONTENT)
    if as_json:
        typer.echo(json.dumps({"file": file, "problems": []}, indent=2))
        return
    typer.echo(
        f"{file} is good: {rules.name}, level cap {rules.level_cap}, "
        f"fingerprint {rules.fingerprint}."
    )


@rules_cli.command("plot", cls=PlainCommand)
def plot_command(
    which: Which = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Picture to write, .svg or .png; without it the terminal is drawn to.",
        ),
    ] = None,
) -> None:
    """Draw every curve and factor of the rules.

    As a picture in a file, or in the terminal.

    Example: questkeep rules plot rules.toml -o rules.svg
    """
    from designer.drawing.figures import CannotDraw, check_target

    rules, _ = _rules(which)
    if out is None:
        from designer.drawing.terminal import output_console
        from designer.rules.tables import show_charts

        show_charts(rules, output_console())
        return
    try:
        check_target(out)
        from designer.rules.plot import draw

        draw(rules, out)
    except CannotDraw as error:
        fail_from(error)
    typer.echo(f"Written: {out}", err=True)


@rules_cli.command("diff", cls=PlainCommand)
def diff_command(
    before: Annotated[str, typer.Argument(metavar="A", help="Rules file or preset in force.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Rules file or preset to come.")],
    every_level: EveryLevel = False,
    as_json: AsJson = False,
) -> None:
    """Show what changes for players from A to B.

    Example: questkeep rules diff default rules.toml
    """
    import msgspec

    from designer.drawing.terminal import output_console
    from designer.rules.diff import changes
    from designer.rules.diff_tables import show

    differences = changes(*_two(before, after))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(differences), indent=2).decode())
    else:
        show(differences, output_console(), every_level=every_level)


def _two(before: str, after: str) -> "tuple[Rules, Rules, str, str]":
    old, old_text = _rules(before)
    new, new_text = _rules(after)
    return old, new, old_text, new_text


def _rules(which: str | None) -> "tuple[Rules, str]":
    """As `_read`; rules that are wrong end the command."""
    from domain.rules.compiled_rules import InvalidRules

    try:
        return _read(which)
    except InvalidRules as error:
        fail_from(error, BAD_CONTENT)


def _read(which: str | None) -> "tuple[Rules, str]":
    """The rules that were named, or those that `serve` would use, and their text."""
    from domain.rules.load import CannotRead, compiled, rules_of

    if which is None:
        name, text = _rules_of_settings()
        return compiled(name, text), text
    try:
        text = rules_of(which)
    except CannotRead as error:
        fail_from(error)
    return compiled(which, text), text


def _rules_of_settings() -> tuple[str, str]:
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load, rules_text

    try:
        settings = load({}).settings
        return str(settings.rules or "the default rules"), rules_text(settings)
    except WrongSettings as error:
        fail_from(error)
