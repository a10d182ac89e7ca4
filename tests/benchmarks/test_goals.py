"""The table of goals has every line, whatever could not be had."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals
from benchmarks.comparison import options
from benchmarks.load.traffic import Traffic
from benchmarks.report import page
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
    figures = goals.Figures()
    figures.add("redis", peer, [goals.WHOLE])
    assert figures.missing == {"redis": reason}
    rows = [row for row in goals.peer_rows(figures) if row.what.startswith("redis")]
    assert rows
    assert all(math.isnan(row.value) for row in rows)
    assert f"- redis is missing: {reason}" in markdown(rows, figures.missing, {})


def test_a_scenario_that_breaks_is_a_line() -> None:
    [line] = goals.scenario("no_such_benchmark", [], lambda _: [])
    assert (line.what, math.isnan(line.value)) == ("no_such_benchmark", True)
    assert "no_such_benchmark" in line.note


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
