"""Small charts in the terminal: a line of dots over a frame, drawn with braille characters.

Not for: pictures in a file (`figures`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotille
from rich.console import Console

PIPE_WIDTH = 160
"""Columns where nobody says how wide the terminal is, as in a pipe."""
CHART_WIDTH = 64
CHART_HEIGHT = 10
COLORS = ("cyan", "yellow", "magenta", "green", "red", "blue", "white")


class ChartLine(NamedTuple):
    """One line: points in rising order of x."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]


class Chart(NamedTuple):
    """What is drawn together, and what the axes are."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[ChartLine]
    y_from: float = 0


def wide_console() -> Console:
    """Standard output: as wide as the terminal, and wide enough for tables where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def drawn(chart: Chart, *, colors: bool) -> str:
    """`chart` as lines of text; with `colors`, terminal colours tell its lines apart."""
    figure = plotille.Figure()
    figure.width, figure.height = CHART_WIDTH, CHART_HEIGHT
    figure.with_colors, figure.color_mode = colors, "names"
    figure.origin = False
    figure.x_label, figure.y_label = chart.x_label, chart.y_label
    figure.register_label_formatter(float, _tick)
    figure.register_label_formatter(int, _tick)
    xs = [x for line in chart.lines for x in line.xs]
    ys = [y for line in chart.lines for y in line.ys]
    low, high = min(xs), max(xs)
    figure.set_x_limits(low, high if high > low else low + 1)
    low, high = min(chart.y_from, *ys), max(ys)
    figure.set_y_limits(low, high if high > low else low + 1)
    for number, line in enumerate(chart.lines):
        color = COLORS[number % len(COLORS)] if colors else None
        figure.plot(line.xs, line.ys, lc=color, label=line.label)
    text: str = figure.show(legend=False)
    named = [line.label for line in chart.lines] if len(chart.lines) > 1 else []
    legend = [f"{'':>11} {_named(number, name, colors)}" for number, name in enumerate(named)]
    return "\n".join([chart.title, *(line.rstrip() for line in text.splitlines()), *legend])


def _named(number: int, label: str, colors: bool) -> str:
    if not colors:
        return f"- {label}"
    return str(plotille.color(f"⠤⠤ {label}", fg=COLORS[number % len(COLORS)], mode="names"))


def _tick(value: Any, chars: int, delta: Any, left: bool = False) -> str:
    """A number on an axis `delta` long: whole where that is long, with decimals where it is not."""
    decimals = 0 if abs(delta) > 20 else 1 if abs(delta) > 2 else 2
    text = f"{value:,.{decimals}f}"
    if len(text) > chars:
        text = f"{value:.1e}"
    return text.ljust(chars) if left else text.rjust(chars)
