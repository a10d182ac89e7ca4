"""`questkeep simulate`: a story, thousands of made-up players, the real rules, and the outcome.

Not for: the simulation (`designer.simulation`) or drawing (`designer.drawing`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exit import BAD_CONTENT, fail, fail_from
from cli.help import AsJson

if TYPE_CHECKING:
    from designer.simulation.report import Report
    from designer.simulation.run import Result, Task


StoryFile = Annotated[
    Path, typer.Argument(metavar="STORY", help="Story file (TOML).", show_default=False)
]
Players = Annotated[int, typer.Option(metavar="N", help="How many play.", min=1, max=100_000)]
Seed = Annotated[int, typer.Option(metavar="N", help="The same seed gives the same outcome.")]
OtherRules = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|PRESET",
        help="Rules file or preset instead of the story's own.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        help="Folder for the picture (STORY.svg) and the report (STORY.json).",
        show_default=False,
    ),
]
Processes = Annotated[
    int, typer.Option(metavar="N", help="Processes that play; 0 takes every CPU.", min=0, max=256)
]


def simulate_command(
    story: StoryFile,
    players: Players = 10_000,
    seed: Seed = 7,
    rules: OtherRules = None,
    out: Out = None,
    processes: Processes = 0,
    as_json: AsJson = False,
) -> None:
    """Play a story with simulated players.

    Every command is decided by the real rules; the report says who is off the plan, and why.

    Example: questkeep simulate examples/stories/short.toml -o pictures
    """
    from cli.progress import Bar
    from designer.drawing.figures import CannotDraw, check_target
    from designer.simulation.report import report_of
    from designer.simulation.run import cpus, play

    task = _task(story, rules, players, seed)
    if out is not None:
        try:
            check_target(out / f"{story.stem}.svg")
            out.mkdir(parents=True, exist_ok=True)
        except CannotDraw as error:
            fail_from(error)
        except OSError as error:
            fail(f"{out} cannot be made: {error.strerror}.")
    compiled_story = task.compile()
    with Bar("Playing", players) as bar:
        result = play(task, processes or cpus(), bar.step)
    report = report_of(task, compiled_story, result)
    if as_json:
        typer.echo(_json(report).decode())
    else:
        _show(report)
    if out is not None:
        _keep(report, out, story.stem)
    _print_speed(result)


def _task(story: Path, rules: str | None, players: int, seed: int) -> "Task":
    """What to play, checked: whatever is wrong with it is said here."""
    from designer.simulation.run import Task
    from designer.simulation.script import compile_story
    from designer.simulation.story_file import InvalidStory, read_story
    from domain.rules.compiled_rules import InvalidRules
    from domain.rules.load import CannotRead, compiled, rules_of, text_of

    try:
        text = text_of(story)
        read = read_story(text)
        name = rules or read.rules
        rules_text = rules_of(name, None if rules else story.parent)
        compile_story(read, compiled(name, rules_text))
    except CannotRead as error:
        fail_from(error)
    except InvalidRules as error:
        fail_from(error, BAD_CONTENT)
    except InvalidStory as error:
        fail(*(f"{story}: {problem}." for problem in error.problems), code=BAD_CONTENT)
    return Task(text, rules_text, players, seed)


def _show(report: "Report") -> None:
    from designer.drawing.terminal import output_console
    from designer.simulation.tables import show

    show(report, output_console())


def _keep(report: "Report", out: Path, stem: str) -> None:
    from designer.drawing.figures import CannotDraw
    from designer.simulation.plot import draw

    picture, numbers = out / f"{stem}.svg", out / f"{stem}.json"
    try:
        draw(report, picture)
        numbers.write_bytes(_json(report) + b"\n")
    except CannotDraw as error:
        fail_from(error)
    except OSError as error:
        fail(f"{numbers} cannot be written: {error.strerror}.")
    typer.echo(f"Written: {picture}, {numbers}", err=True)


def _json(report: "Report") -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def _print_speed(result: "Result") -> None:
    turns = result.totals.turns
    rate = turns / result.seconds
    typer.echo(f"{turns:,} turns in {result.seconds:.1f} s: {rate:,.0f} turns/s", err=True)
