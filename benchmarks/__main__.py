"""`python -m benchmarks`: measure every peer and write tables and a picture."""

import argparse
import fcntl
import resource
import shutil
import subprocess
import sys
from typing import IO

from benchmarks import machine, provision, report
from benchmarks.all_peers import all_peers
from benchmarks.harness import Harness, Plan
from benchmarks.processes import BENCH, PYTHON, ROOT, end_as_errors_do

CONNECTIONS = "1,8,64,256,1000"


def main() -> int:
    """0: all went well; 1: a peer failed; 130 or 143: told to stop."""
    end_as_errors_do()
    peers = all_peers()
    arguments = _arguments([peer.name for peer in peers])
    if arguments.only:
        peers = [peer for peer in peers if peer.name in arguments.only]
    plan = _plan(arguments)
    lock = _only_one()
    _more_open_files(max(plan.connections))
    provision.python_packages()
    provision.program("wrk", "wrk")
    facts = machine.facts()
    loops: list[float] = []
    harness = Harness(peers, plan)

    def finish_round(number: int) -> None:
        print(f"round {number} of {plan.rounds} is done", file=sys.stderr)
        loops.extend(_rules_loop())
        report.write(report.summarize(harness, peers, plan, facts, loops))

    try:
        harness.run(finish_round)
    except KeyboardInterrupt:
        print("stopped; every server is down", file=sys.stderr)
        return 130
    subprocess.run(
        [PYTHON, "-m", "benchmarks.plot", report.RESULTS / "peers.json"], check=True, cwd=ROOT
    )
    print((report.RESULTS / "peers.md").read_text(encoding="utf-8"))
    lock.close()
    return 1 if harness.failed else 0


def _rules_loop() -> list[float]:
    """The rules alone, in a process of their own; empty, and said, when they do not run."""
    argv = [sys.executable, "-m", "benchmarks.rules_loop"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"the rules loop failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return []
    return [float(done.stdout)]


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures durable turn-ins a second. Figures count only on an idle machine.",
        epilog="example: make bench ARGS='--quick --only postgres --only redis'",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round at 1 and 64 connections, no trials"
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--rounds", type=_positive, help="rounds in turn (default 3)")
    parser.add_argument("--seconds", type=_positive, help="length of a measured run (default 10)")
    parser.add_argument("--connections", type=_counts, metavar="N,N", help=f"default {CONNECTIONS}")
    parser.add_argument("--no-trial", action="store_true", help="use each peer's first setting")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    quick: bool = arguments.quick
    seconds: int = arguments.seconds or (3 if quick else 10)
    return Plan(
        connections=arguments.connections or _counts("1,64" if quick else CONNECTIONS),
        seconds=seconds,
        warm_up_seconds=max(1, seconds // 4),
        rounds=arguments.rounds or (1 if quick else 3),
        trial_seconds=0 if quick or arguments.no_trial else max(2, seconds // 3),
    )


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _counts(text: str) -> list[int]:
    return sorted({_positive(part) for part in text.split(",")})


def _more_open_files(connections: int) -> None:
    """As many open files as allowed; servers and wrk inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < connections + 256:
        print(f"only {most} open files are allowed; {connections} connections may break")


def _only_one() -> IO[bytes]:
    """Holds the lock of this checkout's bench for as long as the file is open.

    What a killed run left behind in `.bench/run` is removed.
    """
    BENCH.mkdir(exist_ok=True)
    lock = (BENCH / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another bench is running in this checkout")
    shutil.rmtree(BENCH / "run", ignore_errors=True)
    (BENCH / "run").mkdir()
    return lock


if __name__ == "__main__":
    sys.exit(main())
