"""Bars: only where a person watches, and only when it takes long."""

import io
from collections.abc import Callable

from rich.console import Console

from cli.progress import Bar


def watched(*moments: float) -> tuple[Console, Callable[[], float]]:
    """A terminal, and a clock that shows these moments one after the other."""
    left = iter(moments)
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    return console, lambda: next(left)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_done_in_two_seconds_shows_nothing() -> None:
    console, clock = watched(0, 0.5, 1.9)
    with Bar("Copying", console=console, clock=clock) as bar:
        bar.step()
        bar.step()
    assert shown(console) == ""
    assert bar.steps == 2


def test_what_takes_longer_shows_how_far_it_is() -> None:
    console, clock = watched(0, 1, 2)
    with Bar("Copying", 5, console=console, clock=clock) as bar:
        for _ in range(3):
            bar.step()
    assert "Copying" in shown(console)
    assert "3/5" in shown(console)


def test_many_steps_can_be_counted_at_once() -> None:
    console, clock = watched(0, 3)
    with Bar("Playing", 500, console=console, clock=clock) as bar:
        bar.step(200)
    assert "200/500" in shown(console)


def test_where_nobody_watches_nothing_is_shown() -> None:
    console, clock = watched(0, 3)
    quiet = Console(file=console.file)
    with Bar("Copying", console=quiet, clock=clock) as bar:
        bar.step()
    assert shown(console) == ""
