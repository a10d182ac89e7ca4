"""`python -m benchmarks.compare OTHER`: CPU for a turn-in, this checkout beside another one.

Packed placement, one host, `file://` store; the two take turns (A B, A B), each time started from
nothing.  CPU is of every process of the server, Ray's included, so that the rate of a busy machine
does not count; the load generator's is left out.

Not for: peers (`python -m benchmarks`), or where the time goes (a profiler).
"""

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks.load.runs import Load
from benchmarks.load.traffic import Traffic
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.setup import provision
from benchmarks.setup.processes import ROOT, end_as_errors_do
from benchmarks.users.dataset import make_dataset

QUESTS = 150


def main() -> int:
    """0: measured; the table is on stdout."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", default="64,256")
    arguments = parser.parse_args()
    provision.program("wrk", "wrk")
    checkouts = {"other": arguments.other.resolve(), "this": ROOT}
    connections = [int(text) for text in arguments.connections.split(",")]
    seen: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for number in range(1, arguments.rounds + 1):
        for name, checkout in checkouts.items():
            for count in connections:
                rate, cpu_us = measure(checkout, count, arguments.seconds)
                seen.setdefault((name, count), []).append((rate, cpu_us))
                print(
                    f"round {number}, {name}, {count}: {rate:,.0f}/s, {cpu_us:.1f} us",
                    file=sys.stderr,
                )
    print("| connections | other: us | this: us | ratio | other: turn-ins/s | this: turn-ins/s |")
    print("|---|---:|---:|---:|---:|---:|")
    for count in connections:
        rates, costs = zip(
            *(map(statistics.median, zip(*seen[name, count], strict=True)) for name in checkouts),
            strict=True,
        )
        print(
            f"| {count} | {costs[0]:.1f} | {costs[1]:.1f} | {costs[1] / costs[0]:.3f} "
            f"| {rates[0]:,.0f} | {rates[1]:,.0f} |"
        )
    return 0


def measure(checkout: Path, connections: int, seconds: int) -> tuple[float, float]:
    """(turn-ins a second, microseconds of the server's CPU for each)."""
    peer = Questkeep("packed", checkout=checkout)
    dataset = make_dataset(peer.users, QUESTS)
    try:
        url = peer.start(peer.settings[0], dataset)
        run = Load(url, dataset, peer.usage).run(Traffic(connections), 1, seconds)
        return run.rate, run.front_us + run.other_us
    finally:
        peer.stop()


if __name__ == "__main__":
    sys.exit(main())
