"""The comparison with peers as text: rate, latency, cost, and the settings that counted.

Not for: how the figures come about (`summary`).
"""

from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, Any]


def markdown(summary: Row) -> str:
    """All tables, one below the other, and what the numbers depend on."""
    seconds, rounds = summary["plan"]["seconds"], summary["plan"]["rounds"]
    names = list(dict.fromkeys(row["traffic"] for row in _rows(summary)))
    lines = [
        f"Durable turn-ins a second, median of {rounds} round(s) of {seconds} s (least–most).",
        "Unless it says batches, each request is one turn-in.",
        "",
    ]
    for name in names:
        lines += [f"**{name}**", "", *_table(summary, name), ""]
    lines += _notes(summary)
    return "\n".join(lines) + "\n"


COLUMNS: dict[str, Callable[[Row], str]] = {
    "turn-ins/s": lambda row: _rate(row),
    "p50 / p99, ms": lambda row: f"{_number(row['p50_ms'], 2)} / {_number(row['p99_ms'], 1)}",
    "CPU us: HTTP + behind + client": lambda row: (
        f"{row['front_us']:.0f} + {row['other_us']:.0f} + {row['client_us']:.0f}"
    ),
    "disk, bytes": lambda row: f"{row['disk_bytes']:,.0f}",
    "setting": lambda row: row["setting"],
}


def _table(summary: Row, name: str) -> Iterator[str]:
    """One shape of traffic: a line for each peer."""
    yield f"| | {' | '.join(COLUMNS)} |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for peer in summary["peers"]:
        for row in peer["results"]:
            if row["traffic"] == name:
                cells = " | ".join(cell(row) for cell in COLUMNS.values())
                yield f"| {peer['title']} | {cells} |"


def _rows(summary: Row) -> Iterator[Row]:
    return (row for peer in summary["peers"] for row in peer["results"])


def _rate(row: Row) -> str:
    if row["rounds"] == 1:
        return f"{row['rate']:,.0f}"
    return f"{row['rate']:,.0f} ({row['rate_min']:,.0f}–{row['rate_max']:,.0f})"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _notes(summary: Row) -> Iterator[str]:
    if summary["rules_loop_per_second"]:
        loop = summary["rules_loop_per_second"]
        yield from (f"The rules alone, in a loop: {loop:,.0f} turn-ins a second of one core.", "")
    for name, reason in {**summary["failed"], **summary["absent"]}.items():
        yield from (f"{name} is missing: {reason.splitlines()[0]}", "")
    yield from (f"- {key}: {value}" for key, value in summary["machine"].items())
    yield from (f"- {peer['name']}: {peer['version']}" for peer in summary["peers"])
