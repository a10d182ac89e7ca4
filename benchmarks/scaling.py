"""Durable turn-ins a second with one packed host and with two.

    python -m benchmarks.scaling [--rounds 3] [--seconds 10]

The same task and load as in the comparison with peers, and judged in the same way.  A gateway, its
hosts and wrk want a core each: what a second host can add is bounded by the machine's cores, which
stand below the table.
"""

import argparse
import statistics

from benchmarks.comparison.harness import measure
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Peer
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup import exclusive, provision
from benchmarks.setup.processes import end_as_errors_do

CONNECTIONS = (64, 256, 1_000)


def main() -> None:
    """Measure in turn, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="length of a measured run")
    arguments = parser.parse_args()
    provision.program("wrk", "wrk")
    with exclusive.only_one():
        shown = figures(Questkeep("packed"), arguments.rounds, arguments.seconds)
    title = f"Durable turn-ins a second, medians of {arguments.rounds} round(s)."
    print(tables.write("scaling", title, shown))


def figures(peer: Peer, rounds: int, seconds: int) -> list[Figure]:
    """The peer's two settings in turn, each time on a server started from nothing."""
    rates: dict[tuple[int, str], list[float]] = {}
    for _ in range(rounds):
        for connections in CONNECTIONS:
            for setting in peer.settings:
                warm_up, traffic = max(1, seconds // 4), Traffic(connections)
                [[run]] = measure(peer, setting, [traffic], 1, warm_up, seconds)
                rates.setdefault((connections, setting.name), []).append(run.rate)
    shown = []
    for connections in CONNECTIONS:
        one, two = (
            statistics.median(rates[connections, setting.name]) for setting in peer.settings
        )
        shown += [
            Figure(f"{connections:,} connections, one host", one, "/s"),
            Figure(f"{connections:,} connections, two hosts", two, "/s"),
            Figure("… times as many", two / one, ""),
        ]
    return shown


if __name__ == "__main__":
    main()
