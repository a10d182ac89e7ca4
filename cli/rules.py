"""`questkeep rules show | check | plot | diff`: the rules file, for those who design with it.

Not for: what is in a rules file (`domain.rules.rules_file`), or changing the rules of a running
server (`gateway.server.rules_reload`).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from domain.rules.compiled_rules import Rules

rules_cli = typer.Typer(
    help="Look at rules files: show, check, plot, diff.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_WHICH = "Rules file, or a preset's name; without it, the rules that `questkeep serve` would use."
Which = Annotated[str | None, typer.Argument(metavar="FILE|PRESET", help=_WHICH)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
EveryLevel = Annotated[bool, typer.Option("--all", help="Show every level, not a choice of them.")]


@rules_cli.command("show")
def show_command(
    which: Which = None, every_level: EveryLevel = False, as_json: AsJson = False
) -> None:
    """Print the rules as tables: levels, tiers, bands, penalties, loot, fingerprint.

    Example: questkeep rules show mmo60
    """
    from designer.drawing.terminal import wide_console
    from designer.rules.tables import show
    from domain.rules.document import rules_document

    rules, _ = _rules(which)
    if as_json:
        typer.echo(json.dumps(rules_document(rules), indent=2))
    else:
        show(rules, wide_console(), every_level=every_level)


@rules_cli.command("check")
def check_command(
    file: Annotated[str, typer.Argument(metavar="FILE|PRESET", help="Rules file to check.")],
) -> None:
    """Say everything that is wrong with a rules file, and how to mend it; exit 1 if anything is.

    Example: questkeep rules check rules.toml
    """
    rules, _ = _rules(file)
    typer.echo(
        f"{file} is good: {rules.name}, level cap {rules.level_cap}, "
        f"fingerprint {rules.fingerprint}."
    )


@rules_cli.command("plot")
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
    """Draw every curve and factor of the rules, as a picture or in the terminal.

    Example: questkeep rules plot rules.toml -o rules.svg
    """
    from designer.drawing.figures import CannotDraw, check_target

    rules, _ = _rules(which)
    if out is None:
        from designer.drawing.terminal import wide_console
        from designer.rules.tables import show_charts

        show_charts(rules, wide_console())
        return
    try:
        check_target(out)
        from designer.rules.plot import draw

        draw(rules, out)
    except CannotDraw as error:
        _fail([str(error)])
    typer.echo(f"Written: {out}", err=True)


@rules_cli.command("diff")
def diff_command(
    before: Annotated[str, typer.Argument(metavar="A", help="Rules file or preset in force.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Rules file or preset to come.")],
    every_level: EveryLevel = False,
    as_json: AsJson = False,
) -> None:
    """Say what changes for players when B takes the place of A.

    Example: questkeep rules diff default rules.toml
    """
    import msgspec

    from designer.drawing.terminal import wide_console
    from designer.rules.diff import changes
    from designer.rules.diff_tables import show

    found = changes(*_two(before, after))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        show(found, wide_console(), every_level=every_level)


def _two(before: str, after: str) -> "tuple[Rules, Rules, str, str]":
    old, old_text = _rules(before)
    new, new_text = _rules(after)
    return old, new, old_text, new_text


def _rules(which: str | None) -> "tuple[Rules, str]":
    """The rules that were named, or those in force, and their text."""
    from designer.rules.load import CannotRead, compiled, rules_of
    from domain.rules.compiled_rules import InvalidRules
    from gateway.settings import WrongSettings, load, rules_text

    try:
        if which is None:
            settings = load({}).settings
            text = rules_text(settings)
            return compiled(str(settings.rules or "the default rules"), text), text
        text = rules_of(which)
        return compiled(which, text), text
    except (CannotRead, WrongSettings) as error:
        _fail(getattr(error, "problems", [str(error)]))
    except InvalidRules as error:
        _fail(error.problems, code=1)


def _fail(problems: list[str], code: int = 2) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)
