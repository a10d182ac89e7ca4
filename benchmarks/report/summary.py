"""What was measured of the peers: JSON for programs and tables for people, in `results/`.

Not for: the picture (`plot`), which is drawn from the JSON, or the tables' text (`peer_tables`).
"""

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.comparison.harness import Harness, Plan
from benchmarks.load.runs import Run
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Peer
from benchmarks.report.peer_tables import markdown
from benchmarks.report.tables import RESULTS


def summarize(
    harness: Harness, peers: Sequence[Peer], plan: Plan, machine: dict[str, str], loops: list[float]
) -> dict[str, Any]:
    """Everything measured, with medians over the rounds."""
    measured = {run.peer for run in harness.measured}
    return {
        "machine": machine,
        "plan": {"rounds": plan.rounds, "seconds": plan.seconds},
        "rules_loop_per_second": statistics.median(loops) if loops else None,
        "peers": [_peer(harness, peer, plan.traffics) for peer in peers if peer.name in measured],
        "failed": harness.failed,
        "absent": harness.absent,
    }


def _peer(harness: Harness, peer: Peer, traffics: Sequence[Traffic]) -> dict[str, Any]:
    rows = (_row(harness, peer.name, traffic) for traffic in traffics)
    return {
        "name": peer.name,
        "title": peer.title,
        "version": peer.version(),
        "limit": not peer.keeps,
        "users": peer.users,
        "results": [row for row in rows if row is not None],
        "settings_tried": [
            {
                "setting": trial.setting,
                "traffic": trial.traffic.name,
                "rate": round(trial.run.rate),
            }
            for trial in harness.measured
            if trial.peer == peer.name and trial.round == 0
        ],
    }


def _row(harness: Harness, name: str, traffic: Traffic) -> dict[str, Any] | None:
    """One cell of the table: medians over the rounds, and the spread of the rate."""
    rounds = [
        each
        for each in harness.measured
        if each.peer == name and each.traffic == traffic and each.round > 0
    ]
    if not rounds:
        return None
    rates = [each.run.rate for each in rounds]
    return {
        "traffic": traffic.name,
        "connections": traffic.connections,
        "batch": traffic.batch,
        "pipeline": traffic.pipeline,
        "setting": rounds[-1].setting,
        "rate_min": round(min(rates), 3),
        "rate_max": round(max(rates), 3),
        "rounds": len(rounds),
        # JSON has no NaN.
        **{
            name: None if math.isnan(figure) else figure
            for name, figure in medians([each.run for each in rounds]).items()
        },
    }


def medians(runs: Sequence[Run]) -> dict[str, float]:
    """Each figure's median over some runs of the same traffic."""
    return {
        field.name: round(statistics.median(getattr(run, field.name) for run in runs), 3)
        for field in dataclasses.fields(Run)
    }


def write(name: str, summary: dict[str, Any]) -> None:
    """`NAME.json` and `NAME.md`."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(summary, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    (RESULTS / f"{name}.md").write_text(markdown(summary), encoding="utf-8")
