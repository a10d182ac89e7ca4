"""The table of goals has every line, whatever could not be had."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals
from benchmarks.comparison import options
from benchmarks.goals import Measuring, Step
from benchmarks.load.traffic import Traffic
from benchmarks.report import goal_rows, page
from benchmarks.report.goal_rows import WHOLE, Figures
from benchmarks.report.goal_table import Goal, markdown
from benchmarks.setup.provision import Unavailable
from tests.benchmarks.peer_kit import FakePeer


@pytest.mark.parametrize(
    ("goal", "line"),
    [
        (
            Goal("rate", 46_000.4, "/s", least=45_000, dream=60_000),
            "46,000 /s | ≥ 45,000 (60,000) | yes",
        ),
        (Goal("rate", 44_000, "/s", least=45_000), "44,000 /s | ≥ 45,000 | **no**"),
        (Goal("cost", 6.96, "us", most=7), "7.0 us | ≤ 7 | yes"),
        (Goal("cost", 7.01, "us", most=7), "7.0 us | ≤ 7 | **no**"),
        (Goal("size", 12, "kB"), "12.0 kB |  | "),
        (Goal("rate", math.nan, "/s", least=4, note="no such peer"), "– no such peer | ≥ 4 | "),
    ],
)
def test_a_line_says_what_was_wanted_and_whether_it_is_reached(goal: Goal, line: str) -> None:
    assert f"| {goal.what} | {line} |" in markdown([goal], {}, {})


class Absent(FakePeer):
    """Cannot be had."""

    def install(self) -> None:
        raise Unavailable("needs a package\nthat nobody has")


class Broken(FakePeer):
    """Ends before it serves."""

    def start(self, *_: Any) -> str:
        raise OSError("it ended")


@pytest.mark.parametrize(
    ("peer", "reason"), [(Absent(), "needs a package"), (Broken(), "it ended")]
)
def test_a_peer_that_cannot_be_measured_is_named(peer: FakePeer, reason: str) -> None:
    measuring = Measuring(rounds=1)
    measuring.take(Step("redis", 1, lambda: measuring.compare("redis", peer, [WHOLE])))
    figures = measuring.figures
    assert figures.missing == {"redis": reason}
    rows = [row for row in goal_rows.peer_rows(figures) if row.what.startswith("redis")]
    assert rows
    assert all(math.isnan(row.value) for row in rows)
    assert f"- redis is missing: {reason}" in markdown(rows, figures.missing, {})


def test_a_scenario_that_breaks_is_named() -> None:
    measuring = Measuring(rounds=1)
    measuring.take(Step("overload", 1, lambda: measuring.run("no_such_benchmark")))
    assert "no_such_benchmark" in measuring.figures.missing["overload"]


def test_a_step_for_which_no_time_is_left_is_named() -> None:
    measuring = Measuring()
    measuring.take(Step("growth", measuring.budget + 1, lambda: pytest.fail("it ran")))
    assert measuring.figures.missing == {"growth": "no time was left"}


def test_a_peers_figures_stand_in_their_lines() -> None:
    measuring = Measuring(rounds=1, seconds=0.2)
    measuring.compare("redis", FakePeer(), [Traffic(2, batch=10)])
    [(name, traffic)] = measuring.figures.measured
    assert (name, traffic) == ("redis", Traffic(2, batch=10))
    assert measuring.figures.of("redis", traffic) > 0


def test_lines_of_other_benchmarks_are_found_by_their_names() -> None:
    rows = [{"what": "p99", "value": 1.0}, {"what": "… with", "value": 2.0}]
    assert goal_rows.by_name(rows) == {"p99": 1.0, "p99 … with": 2.0}


def test_every_step_is_in_the_time_that_there_is() -> None:
    measuring = Measuring()
    planned = sum(step.seconds for step in goals.steps(measuring, None))
    assert planned <= measuring.budget


def test_a_table_without_any_figure_has_all_its_lines() -> None:
    lines = goal_rows.all_rows(Figures())
    assert len(lines) > 40
    assert all(math.isnan(line.value) for line in lines)


@pytest.mark.parametrize(
    ("argv", "traffics"),
    [
        (["--connections", "8,64"], [Traffic(8), Traffic(64)]),
        (["--pipeline", "4"], [Traffic(64, pipeline=4)]),
        (
            ["--batches", "1,10"],
            [Traffic(16, 1), *(Traffic(16, 10, form=f) for f in options.FORMS)],
        ),
        (["--sustained", "300"], [Traffic(256)]),
    ],
    ids=["connections", "pipeline", "batches", "sustained"],
)
def test_options_name_the_traffic(
    argv: list[str], traffics: list[Traffic], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", *argv])
    assert options.plan_of(options.arguments(["redis"])).traffics == traffics


def test_the_page_has_the_newest_table_and_nothing_else_changes(tmp_path: Path) -> None:
    source, docs = tmp_path / "goals.md", tmp_path / "performance.md"
    docs.write_text(f"# Before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    assert page.main(source, docs) == 1
    source.write_text("| new |\n")
    assert [page.main(source, docs), page.main(source, docs)] == [0, 0]
    assert docs.read_text() == f"# Before\n{page.BEGIN}\n| new |\n{page.END}\nafter\n"


def test_the_page_has_a_place_for_the_table() -> None:
    assert "| new |" in page.with_section(page.PAGE.read_text(encoding="utf-8"), "| new |")
