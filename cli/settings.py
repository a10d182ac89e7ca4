"""A flag for every setting, and `questkeep settings`, which shows what holds and why.

Not for: reading and checking settings (`gateway.settings_sources`).
"""

import inspect
import json
import textwrap
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cli.exit import fail_from
from cli.help import AsJson
from gateway.options import GROUPS, OPTIONS, SECRETS, SETTINGS_FILE, flag, variable

NAME_WIDTH = 24
TEXT_WIDTH = 78


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` a flag for every setting; it gets them as `flags`, and `settings_file`."""

    def run(settings: str | None, **arguments: Any) -> None:
        flags = {name: arguments.pop(name) for name in OPTIONS if name not in SECRETS}
        command(flags=flags, settings_file=settings, **arguments)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command).parameters.items()
        if name not in ("flags", "settings_file")
    ]
    shared = [_option("settings", f"Settings file (default: {SETTINGS_FILE}, where there is one).")]
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


@with_settings
def settings_command(
    flags: dict[str, str | None], settings_file: str | None, as_json: AsJson = False
) -> None:
    """Print every setting, its value and origin.

    Example: questkeep settings --port 9000
    """
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load, shown_settings

    try:
        rows = shown_settings(load(flags, settings_file))
    except WrongSettings as error:
        fail_from(error)
    if as_json:
        named = {name: {"value": value, "origin": origin} for name, value, origin in rows}
        typer.echo(json.dumps(named, indent=2))
        return
    values = {name: (value, origin) for name, value, origin in rows}
    for title, names in GROUPS.items():
        typer.echo(title)
        for name in names:
            _print_setting(name, *values[name])
        typer.echo()
    typer.echo(
        f"Set one as a flag ({flag('port')}), a variable ({variable('port')}),\n"
        f"or a key of {SETTINGS_FILE} (port)."
    )


def _print_setting(name: str, value: Any, origin: str) -> None:
    typer.echo(f"  {name:<{NAME_WIDTH}}{'-' if value is None else value}  ({origin})")
    indent = " " * (2 + NAME_WIDTH)
    text = textwrap.fill(OPTIONS[name], TEXT_WIDTH, initial_indent=indent, subsequent_indent=indent)
    typer.echo(text)
