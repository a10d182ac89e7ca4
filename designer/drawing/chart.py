"""Line charts of text: round ticks, dots of braille for one line and a mark for each of several.

Not for: tables (`terminal`), or pictures in a file (`figures`).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

import plotille

WIDTH, HEIGHT = 64, 10
"""Columns and rows of the drawn area; with labels a chart is 76 columns wide."""
LABEL_WIDTH = 10
MARKS = "ox+*#%"
COLORS = ("cyan", "yellow", "magenta", "green", "red", "blue")
_NICE_STEPS = (1, 2, 2.5, 5, 10)
_BLANK = "\N{BRAILLE PATTERN BLANK}"


class ChartLine(NamedTuple):
    """One line: points in rising order of x."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]


class Chart(NamedTuple):
    """Lines that share axes, and what these are; the y axis reaches down to `y_from` at least."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[ChartLine]
    y_from: float = 0


def drawn(chart: Chart, *, colors: bool) -> str:
    """`chart` as text; with `colors`, terminal colours tell its lines apart, too."""
    x_low, x_high = _limits([x for line in chart.lines for x in line.xs])
    y_low, y_high = _limits([y for line in chart.lines for y in line.ys] + [chart.y_from])
    canvas = plotille.Canvas(
        WIDTH,
        HEIGHT,
        x_low,
        y_low,
        x_low + (x_high - x_low) * 2 * WIDTH / (2 * WIDTH - 1),
        y_low + (y_high - y_low) * 4 * HEIGHT / (4 * HEIGHT - 1),
    )
    several = len(chart.lines) > 1
    for number, line in enumerate(chart.lines):
        color = _color(number) if colors else None
        if several:
            _mark(canvas, line, _mark_of(number), color)
        else:
            _dot(canvas, line, color)
    whole = all(float(x).is_integer() for line in chart.lines for x in line.xs)
    return "\n".join(
        [
            chart.title,
            f"{chart.y_label:>{LABEL_WIDTH}}",
            *_rows(canvas.plot("\n").replace(_BLANK, " ").splitlines(), y_low, y_high),
            *_x_axis(x_low, x_high, whole),
            f"{chart.x_label:>{LABEL_WIDTH + 1 + WIDTH}}",
            *(_legend(chart.lines, colors) if several else ()),
        ]
    )


def ticks(low: float, high: float, count: int, *, whole: bool = False) -> list[float]:
    """About `count` round numbers from `low` to `high`, evenly spaced; `whole` ones if asked."""
    rough = (high - low) / count
    scale = 10 ** floor(log10(rough))
    step = next(nice * scale for nice in _NICE_STEPS if nice * scale >= rough * 0.999)
    if whole:
        step = max(1, ceil(step))
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return low, high if high > low else low + 1


def _dot(canvas: plotille.Canvas, line: ChartLine, color: str | None) -> None:
    points = list(zip(line.xs, line.ys, strict=True))
    for (x0, y0), (x1, y1) in zip(points, points[1:] or points, strict=False):
        canvas.line(x0, y0, x1, y1, color=color)


def _mark(canvas: plotille.Canvas, line: ChartLine, mark: str, color: str | None) -> None:
    """A mark in every column that the line crosses."""
    for column in range(WIDTH):
        x = canvas.xmin + (canvas.xmax_inside - canvas.xmin) * column / (WIDTH - 1)
        if line.xs[0] <= x <= line.xs[-1]:
            canvas.point(x, _height_at(line, x), color=color, marker=mark)


def _height_at(line: ChartLine, x: float) -> float:
    right = min(bisect_right(line.xs, x), len(line.xs) - 1)
    left = max(right - 1, 0)
    if line.xs[left] == line.xs[right]:
        return line.ys[right]
    part = (x - line.xs[left]) / (line.xs[right] - line.xs[left])
    return line.ys[left] + part * (line.ys[right] - line.ys[left])


def _rows(rows: list[str], low: float, high: float) -> Iterator[str]:
    marks = ticks(low, high, HEIGHT // 2)
    step = marks[1] - marks[0] if len(marks) > 1 else high - low
    labels = {round((HEIGHT - 1) * (high - at) / (high - low)): _number(at, step) for at in marks}
    for place, row in enumerate(rows):
        edge = "┤" if place in labels else "│"
        yield f"{labels.get(place, ''):>{LABEL_WIDTH}} {edge}{row}".rstrip()


def _x_axis(low: float, high: float, whole: bool) -> Iterator[str]:
    marks = ticks(low, high, WIDTH // 10, whole=whole)
    step = marks[1] - marks[0] if len(marks) > 1 else high - low
    axis, labels = ["─"] * WIDTH, [" "] * (WIDTH + LABEL_WIDTH)
    for at in marks:
        column = round((WIDTH - 1) * (at - low) / (high - low))
        axis[column] = "┬"
        text = _number(at, step)
        labels[column : column + len(text)] = text
    yield f"{'':{LABEL_WIDTH}} └{''.join(axis)}"
    yield f"{'':{LABEL_WIDTH}}  {''.join(labels)}".rstrip()


def _legend(lines: Sequence[ChartLine], colors: bool) -> Iterator[str]:
    for number, line in enumerate(lines):
        mark = _mark_of(number)
        if colors:
            mark = str(plotille.color(mark, fg=_color(number), mode="names"))
        yield f"{'':{LABEL_WIDTH}}  {mark} {line.label}"


def _mark_of(number: int) -> str:
    return MARKS[number % len(MARKS)]


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _number(value: float, step: float) -> str:
    """`value` with as many decimals as ticks `step` apart need."""
    decimals = 0 if float(step).is_integer() else 1 if float(10 * step).is_integer() else 2
    text = f"{value:,.{decimals}f}"
    return text if len(text) <= LABEL_WIDTH else f"{value:.3g}"
