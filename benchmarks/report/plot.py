"""Draws `results/throughput.svg` from `results/peers.json`.  Runs in `.bench/venv`."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

MARKS = "osD^vPX*"


def draw(summary: dict[str, Any], target: Path) -> None:
    """Rate over connections, both in steps of ten times; limits are dashed."""
    matplotlib.rcParams["svg.hashsalt"] = "questkeep"
    figure, axes = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    for mark, peer in zip(MARKS * 3, summary["peers"], strict=False):
        rows = [row for row in peer["results"] if not row["batch"] and row["pipeline"] == 1]
        if not rows:
            continue
        below = [row["rate"] - row["rate_min"] for row in rows]
        above = [row["rate_max"] - row["rate"] for row in rows]
        axes.errorbar(
            [row["connections"] for row in rows],
            [row["rate"] for row in rows],
            yerr=[below, above],
            label=peer["title"],
            marker=mark,
            capsize=3,
            linestyle="--" if peer["limit"] else "-",
            color="0.6" if peer["limit"] else None,
        )
    counts = sorted(
        {
            row["connections"]
            for peer in summary["peers"]
            for row in peer["results"]
            if not row["batch"]
        }
    )
    axes.set(xscale="log", yscale="log", xlabel="connections", ylabel="durable turn-ins a second")
    axes.set_xticks(counts, [f"{count:,}" for count in counts], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    source = Path(sys.argv[1])
    draw(json.loads(source.read_text(encoding="utf-8")), source.with_name("throughput.svg"))
