"""Charts of text: round ticks, and lines that can be told apart without colours."""

import re

import pytest

from designer.drawing.chart import HEIGHT, LABEL_WIDTH, WIDTH, Chart, ChartLine, drawn, ticks

FLAT = ChartLine("flat", [0, 10], [5, 5])
RISING = ChartLine("rising", [0, 5, 10], [0, 2, 10])


@pytest.mark.parametrize(
    ("low", "high", "count", "whole", "expected"),
    [
        (0, 100, 5, False, [0, 20, 40, 60, 80, 100]),
        (400, 199_700, 5, False, [50_000, 100_000, 150_000]),
        (1, 60, 6, True, [10, 20, 30, 40, 50, 60]),
        (1, 4, 6, True, [1, 2, 3, 4]),
        (0, 1, 4, False, [0, 0.25, 0.5, 0.75, 1]),
        (-15, 15, 6, True, [-15, -10, -5, 0, 5, 10, 15]),
    ],
)
def test_ticks_are_round_numbers(
    low: float, high: float, count: int, whole: bool, expected: list[float]
) -> None:
    assert ticks(low, high, count, whole=whole) == pytest.approx(expected)


def test_each_of_several_lines_has_a_mark_of_its_own_that_the_legend_names() -> None:
    text = drawn(Chart("Two", "x", "y", [FLAT, RISING]), colors=False)
    assert "o flat" in text
    assert "x rising" in text
    area = "".join(line[LABEL_WIDTH + 2 :] for line in text.splitlines()[2 : 2 + HEIGHT])
    # A mark in every column; where lines cross, the later one's is seen.
    assert area.count("x") == WIDTH
    assert WIDTH - 5 <= area.count("o") <= WIDTH


def test_one_line_is_drawn_in_dots_from_end_to_end() -> None:
    text = drawn(Chart("One", "x", "y", [FLAT]), colors=False)
    [row] = [line for line in text.splitlines() if re.search(r"[\u2801-\u28ff]", line)]
    assert len(row) == LABEL_WIDTH + 2 + WIDTH


def test_a_line_of_one_point_is_a_point() -> None:
    text = drawn(Chart("Dot", "x", "y", [ChartLine("", [3], [7])]), colors=False)
    assert len(re.findall(r"[\u2801-\u28ff]", text)) == 1


def test_colours_are_there_only_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    chart = Chart("Two", "x", "y", [FLAT, RISING])
    assert "\x1b[" in drawn(chart, colors=True)
    assert "\x1b[" not in drawn(chart, colors=False)
