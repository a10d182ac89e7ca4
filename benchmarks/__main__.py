"""`python -m benchmarks`: measure every peer and write tables and a picture."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from benchmarks import goals
from benchmarks.comparison import options
from benchmarks.comparison.all_peers import all_peers
from benchmarks.comparison.harness import Harness, progress
from benchmarks.report import summary
from benchmarks.report.tables import RESULTS
from benchmarks.setup import exclusive, machine, provision
from benchmarks.setup.processes import PYTHON, ROOT, end_as_errors_do


def main() -> int:
    """0: all went well; 1: a peer failed; 130 or 143: told to stop."""
    end_as_errors_do()
    asked = options.arguments([peer.name for peer in all_peers()])
    with exclusive.only_one():
        exclusive.more_open_files()
        provision.python_packages()
        provision.program("wrk", "wrk")
        try:
            if asked.short:
                return goals.main(asked.only, asked.rounds, asked.seconds)
            return _compare(asked)
        except KeyboardInterrupt:
            progress("stopped; every server is down")
            return 130


def _compare(asked: Namespace) -> int:
    """Every peer in turn, for every shape of traffic."""
    peers = all_peers([asked.hosts] if asked.hosts else [1, 2])
    peers = [peer for peer in peers if not asked.only or peer.name in asked.only]
    plan = options.plan_of(asked)
    facts = machine.facts()
    loops: list[float] = []
    harness = Harness(peers, plan)
    name = "sustained" if asked.sustained else "peers"

    def finish_round(number: int) -> None:
        progress(f"round {number} of {plan.rounds} is done")
        loops.extend(_rules_loop())
        summary.write(name, summary.summarize(harness, peers, plan, facts, loops))

    harness.run(finish_round)
    if not asked.sustained:
        draw: list[str | Path] = [PYTHON, "-m", "benchmarks.report.plot", RESULTS / "peers.json"]
        subprocess.run(draw, check=True, cwd=ROOT)
    print((RESULTS / f"{name}.md").read_text(encoding="utf-8"))
    return 1 if harness.failed else 0


def _rules_loop() -> list[float]:
    """The rules alone, in a process of their own; empty, and said, when they do not run."""
    argv = [sys.executable, "-m", "benchmarks.rules_loop"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        progress(f"the rules loop failed: {done.stderr.strip()[-300:]}")
        return []
    return [float(done.stdout)]


if __name__ == "__main__":
    sys.exit(main())
