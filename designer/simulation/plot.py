"""One picture of a simulated story: level over time, plan against outcome, who is off, and why.

Not for: the numbers (`report`).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from designer.drawing.figures import (
    BLUE,
    BROWN,
    GREEN,
    GREY,
    LINES,
    OLIVE,
    ORANGE,
    RED,
    VIOLET,
    drawing,
    legend_below,
    name_chapters,
    thousands,
)
from designer.simulation.attribution import CAUSES
from designer.simulation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND_COLORS = {
    "far_under": "#2b5c9e",
    "under": "#9cc3e6",
    "on_pace": "#dfe3dc",
    "over": "#f3b58a",
    "far_over": "#bf3b2c",
}
CAUSE_COLORS = {
    "level_difference": VIOLET,
    "repeat": RED,
    "over_budget": ORANGE,
    "side_quests": BLUE,
    "lost_fights": BROWN,
    "avoided_fights": OLIVE,
    "extra_fights": GREEN,
    "plan_shares": GREY,
}
CAUSE_SHOWN_PERMILLE = 5
"""A cause that nowhere makes this much of the plan is left out of the legend."""

LOG_RATIO = 30
"""XP that differ more than this are drawn on a logarithmic axis, or the small ones vanish."""


def draw(report: Report, path: Path) -> None:
    """Write the picture.

    Raises:
        CannotDraw: it cannot be drawn or written here.
    """
    title = (
        f"{report.story}: {report.players:,} players, rules {report.rules} "
        f"({report.fingerprint[:8]}), seed {report.seed}"
    )
    with drawing(path, title, (12, 9), 2, 2) as panels:
        _over_time(panels[0][0], report)
        _plan_and_outcome(panels[0][1], report)
        _bands(panels[1][0], report)
        _causes(panels[1][1], report)


def _over_time(axes: "Axes", report: Report) -> None:
    hours = [moment.minutes / 60 for moment in report.over_time]
    spreads = [moment.levels for moment in report.over_time]
    for low, high, alpha, label in (
        ("p10", "p90", 0.15, "80 % of all players"),
        ("p25", "p75", 0.25, "half of all players"),
    ):
        axes.fill_between(
            hours,
            [getattr(spread, low) / 1000 for spread in spreads],
            [getattr(spread, high) / 1000 for spread in spreads],
            color=GREY,
            alpha=alpha + 0.1,
            linewidth=0,
            label=label,
        )
    axes.plot(hours, [spread.median / 1000 for spread in spreads], color="black", label="median")
    kinds = [kind.name for kind in report.kinds]
    if len(kinds) > 1:
        for kind, color in zip(kinds, LINES * len(kinds), strict=False):
            medians = [moment.medians[kind] / 1000 for moment in report.over_time]
            axes.plot(hours, medians, color=color, linewidth=1.1, linestyle="--", label=kind)
    axes.set(title="Level over time", xlabel="hours played", ylabel="level")
    axes.set_xlim(0, max(hours[-1], 0.1))
    axes.set_ylim(bottom=1)
    axes.legend(loc="lower right")


def _plan_and_outcome(axes: "Axes", report: Report) -> None:
    chapters = report.chapters
    places = range(len(chapters))
    spreads = [chapter.actual_xp for chapter in chapters]
    medians = [spread.median for spread in spreads]
    reach = [
        [median - spread.p10 for median, spread in zip(medians, spreads, strict=True)],
        [spread.p90 - median for median, spread in zip(medians, spreads, strict=True)],
    ]
    planned = [chapter.planned_xp for chapter in chapters]
    axes.bar([x - 0.2 for x in places], planned, 0.4, color="#c3c9d1", label="planned")
    axes.bar([x + 0.2 for x in places], medians, 0.4, color=BLUE, label="median player")
    axes.errorbar(
        [x + 0.2 for x in places],
        medians,
        yerr=reach,
        fmt="none",
        ecolor="black",
        elinewidth=1,
        capsize=3 if len(chapters) <= 12 else 1.5,
        label="80 % of the players",
    )
    axes.set(title="Planned and actual XP per chapter", ylabel="XP")
    name_chapters(axes, [chapter.chapter_id for chapter in chapters])
    most = max(*planned, *(spread.p90 for spread in spreads))
    if most > LOG_RATIO * min(planned):
        axes.set_yscale("log")
        axes.set_ylim(min(planned) / 3, 4 * most)
    else:
        axes.set_ylim(0, 1.15 * most)
    thousands(axes)
    axes.legend(loc="upper left", ncols=3)


def _bands(axes: "Axes", report: Report) -> None:
    places = range(len(report.chapters))
    bottoms = [0.0] * len(report.chapters)
    for band, color in BAND_COLORS.items():
        shares = [chapter.bands[band] / 10 for chapter in report.chapters]
        label = band.replace("_", " ")
        axes.bar(places, shares, 0.8, bottom=bottoms, color=color, label=label)
        bottoms = [bottom + share for bottom, share in zip(bottoms, shares, strict=True)]
    axes.set(title="Players off the plan", ylabel="share of players, %", ylim=(0, 100))
    name_chapters(axes, [chapter.chapter_id for chapter in report.chapters])
    legend_below(axes, 5)


def _causes(axes: "Axes", report: Report) -> None:
    places = range(len(report.chapters))
    up, down = [0.0] * len(report.chapters), [0.0] * len(report.chapters)
    for cause, words in CAUSES.items():
        shares = [chapter.causes[cause] / 10 for chapter in report.chapters]
        if max(map(abs, shares)) * 10 < CAUSE_SHOWN_PERMILLE:
            continue
        bottoms = [up[place] if share > 0 else down[place] for place, share in enumerate(shares)]
        axes.bar(places, shares, 0.8, bottom=bottoms, color=CAUSE_COLORS[cause], label=words)
        up = [top + max(share, 0) for top, share in zip(up, shares, strict=True)]
        down = [top + min(share, 0) for top, share in zip(down, shares, strict=True)]
    sums = [top + bottom for top, bottom in zip(up, down, strict=True)]
    axes.plot(places, sums, "D", color="black", markersize=4, label="all together")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(title="Why: XP won and lost against the plan", ylabel="% of the chapter's planned XP")
    name_chapters(axes, [chapter.chapter_id for chapter in report.chapters])
    legend_below(axes, 4)
