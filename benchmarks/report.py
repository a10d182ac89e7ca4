"""Tables of what was measured: `results/peers.json` for programs, `results/peers.md` for people.

Not for: the picture (`plot`), which is drawn from the JSON.
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import Harness, Plan
from benchmarks.peer import Peer

RESULTS = Path(__file__).parent / "results"


def summarize(
    harness: Harness, peers: Sequence[Peer], plan: Plan, machine: dict[str, str], loops: list[float]
) -> dict[str, Any]:
    """Everything measured, with medians over the rounds."""
    present = [peer for peer in peers if any(one.peer == peer.name for one in harness.measured)]
    return {
        "machine": machine,
        "plan": {**vars(plan), "connections": list(plan.connections)},
        "rules_loop_per_second": statistics.median(loops) if loops else None,
        "peers": [
            {
                "name": peer.name,
                "title": peer.title,
                "version": peer.version(),
                "limit": not peer.keeps,
                "users": peer.users,
                "results": [
                    row
                    for connections in plan.connections
                    if (row := _row(harness, peer.name, connections)) is not None
                ],
                "settings_tried": [
                    {
                        "setting": one.setting,
                        "connections": one.connections,
                        "rate": round(one.run.rate),
                    }
                    for one in harness.measured
                    if one.peer == peer.name and one.round == 0
                ],
            }
            for peer in present
        ],
        "failed": harness.failed,
        "absent": harness.absent,
    }


def _row(harness: Harness, name: str, connections: int) -> dict[str, Any] | None:
    """One cell of the table: medians and spread over the rounds."""
    rounds = [
        one
        for one in harness.measured
        if one.peer == name and one.connections == connections and one.round > 0
    ]
    if not rounds:
        return None
    rates = [one.run.rate for one in rounds]
    return {
        "connections": connections,
        "setting": rounds[-1].setting,
        "rate": round(statistics.median(rates), 1),
        "rate_min": round(min(rates), 1),
        "rate_max": round(max(rates), 1),
        "p50_ms": round(statistics.median(one.run.p50_ms for one in rounds), 3),
        "p99_ms": round(statistics.median(one.run.p99_ms for one in rounds), 3),
        "client_cores": round(statistics.median(one.run.client_cores for one in rounds), 2),
        "rounds": len(rounds),
    }


def write(summary: dict[str, Any]) -> None:
    """Both files."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(summary, indent=1) + "\n"
    (RESULTS / "peers.json").write_text(text, encoding="utf-8")
    (RESULTS / "peers.md").write_text(markdown(summary), encoding="utf-8")


def markdown(summary: dict[str, Any]) -> str:
    """The tables: rate, latency, and which setting each rate came from."""
    counts = summary["plan"]["connections"]
    seconds, rounds = summary["plan"]["seconds"], summary["plan"]["rounds"]
    lines = [
        f"Durable turn-ins a second, median of {rounds} round(s) of {seconds} s (least–most).",
        "",
        *_table(summary, counts, _rate),
        "",
        "Latency in ms, p50 / p99.",
        "",
        *_table(summary, counts, lambda row: f"{row['p50_ms']:.2f} / {row['p99_ms']:.1f}"),
        "",
        "The setting that counted, and the cores that the client (wrk) kept busy.",
        "",
        *_table(summary, counts, lambda row: f"{row['setting']} ({row['client_cores']:.2f})"),
        "",
    ]
    if summary["rules_loop_per_second"]:
        loop = summary["rules_loop_per_second"]
        lines += [f"The rules alone, in a loop: {loop:,.0f} turn-ins a second of one core.", ""]
    for name, reason in {**summary["failed"], **summary["absent"]}.items():
        lines += [f"{name} is missing: {reason.splitlines()[0]}", ""]
    lines += [f"- {key}: {value}" for key, value in summary["machine"].items()]
    lines += [f"- {peer['name']}: {peer['version']}" for peer in summary["peers"]]
    return "\n".join(lines) + "\n"


def _rate(row: dict[str, Any]) -> str:
    if row["rounds"] == 1:
        return f"{row['rate']:,.0f}"
    return f"{row['rate']:,.0f} ({row['rate_min']:,.0f}–{row['rate_max']:,.0f})"


def _table(summary: dict[str, Any], counts: list[int], cell: Any) -> list[str]:
    head = " | ".join(f"{count:,}" for count in counts)
    lines = [f"| connections | {head} |", "|---|" + "---:|" * len(counts)]
    for peer in summary["peers"]:
        by_count = {row["connections"]: row for row in peer["results"]}
        cells = [cell(by_count[count]) if count in by_count else "–" for count in counts]
        lines.append(f"| {peer['title']} | {' | '.join(cells)} |")
    return lines
