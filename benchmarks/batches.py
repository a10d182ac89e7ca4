"""Durable turn-ins in batches of many users: rate, latency, and the CPU that each process takes.

    python -m benchmarks.batches [--size 100] [--connections 16] [--seconds 5] [--rounds 3]
                                 [--hosts 1]

1,000 users; every command turns in a fresh quest; an answer leaves after its changes were synced.
Probed and counted like the comparison with peers.  The load is on the same machine, in a process of
its own.  Rates and latencies count on an idle machine only; CPU time of a turn-in says more on a
busy one.
"""

import argparse
from collections.abc import Sequence
from itertools import chain

from benchmarks.comparison.harness import described, measure, progress
from benchmarks.load.batch_clients import Form
from benchmarks.load.runs import Run
from benchmarks.load.traffic import Traffic
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.report import tables
from benchmarks.report.summary import medians
from benchmarks.report.tables import Figure
from benchmarks.setup import exclusive
from benchmarks.setup.processes import end_as_errors_do

FORMS = (Form("msgpack", minimal=True), Form("msgpack"), Form("json"))
WARM_UP_SECONDS = 1.0


def figures(traffic: Traffic, runs: Sequence[Run]) -> list[Figure]:
    """The medians of one form's runs."""
    rates = [run.rate for run in runs]
    middle = medians(runs)
    everything = middle["front_us"] + middle["other_us"] + middle["client_us"]
    return [
        Figure(f"{traffic.form}: turn-ins", middle["rate"], "/s"),
        Figure("… slowest and fastest run differ by", max(rates) - min(rates), "/s"),
        Figure("… answer of a batch, p50", middle["p50_ms"], "ms"),
        Figure("… answer of a batch, p99", middle["p99_ms"], "ms", "at most 50"),
        Figure("… CPU of a turn-in, all processes", everything, "us", "at most 35"),
        Figure("… … gateway", middle["front_us"], "us", "at most 7"),
        Figure("… … hosts", middle["other_us"], "us"),
        Figure("… … load", middle["client_us"], "us"),
        Figure("… journal of a turn-in", middle["journal_bytes"], "bytes", "at most 450"),
    ]


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=100, help="commands of a batch")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a measured run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=1)
    options = parser.parse_args()
    peer = Questkeep("packed", [options.hosts])
    [setting] = peer.settings
    traffics = [Traffic(options.connections, options.size, form=form) for form in FORMS]

    def say(traffic: Traffic, run: Run) -> None:
        progress(described(peer, setting, traffic, run))

    with exclusive.only_one():
        runs = measure(
            peer, setting, traffics, options.rounds, WARM_UP_SECONDS, options.seconds, say
        )
    shown = list(chain.from_iterable(map(figures, traffics, runs)))
    title = (
        f"Batches of {options.size} turn-ins over {options.connections} connections, "
        f"{options.hosts} host(s)."
    )
    print(tables.write(f"batches_{options.size}", title, shown))


if __name__ == "__main__":
    main()
