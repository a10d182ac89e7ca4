"""The options of `python -m benchmarks`, and the plan that follows from them.

Not for: carrying it out (`harness`).
"""

import argparse
from collections.abc import Sequence

from benchmarks.comparison.harness import Plan
from benchmarks.load.batch_clients import Form
from benchmarks.load.traffic import Traffic

CONNECTIONS = "1,8,64,256,1000"
BATCHES = "1,10,100"
BATCH_CONNECTIONS = 16
PIPELINED_CONNECTIONS = 64
SUSTAINED_CONNECTIONS = 256
FORMS = (Form("json"), Form("json", minimal=True), Form("msgpack", minimal=True))


def arguments(names: Sequence[str]) -> argparse.Namespace:
    """What was asked for; `names` are the peers there are."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures durable turn-ins a second. Figures count only on an idle machine.",
        epilog="example: make bench ARGS='--quick --only postgres --only redis'",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--quick", action="store_true", help="one short round at 1 and 64 connections, no trials"
    )
    length.add_argument(
        "--short", action="store_true", help="the table of goals instead, in twelve minutes"
    )
    length.add_argument(
        "--sustained",
        type=_positive,
        metavar="SECONDS",
        help=f"one long run of each at {SUSTAINED_CONNECTIONS} connections, with the disk's bytes",
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--hosts", type=int, choices=(1, 2), help="a packed Questkeep's hosts")
    parser.add_argument("--rounds", type=_positive, help="rounds in turn (default 3)")
    parser.add_argument(
        "--seconds", type=_positive, help="length of a measured run (default 10; --short: 2)"
    )
    parser.add_argument("--connections", type=_counts, metavar="N,N", help=f"default {CONNECTIONS}")
    parser.add_argument(
        "--batches", type=_counts, metavar="N,N", help=f"commands a request; default {BATCHES}"
    )
    parser.add_argument(
        "--pipeline", type=_positive, metavar="N", help="requests that leave together (default 8)"
    )
    parser.add_argument("--no-trial", action="store_true", help="use each peer's first setting")
    return parser.parse_args()


def plan_of(options: argparse.Namespace) -> Plan:
    """Which traffic, how long and how often.

    Options about traffic, where there are any, leave out the kinds that they do not name.
    """
    if options.sustained:
        traffics = [Traffic(SUSTAINED_CONNECTIONS)]
        return Plan(traffics, options.sustained, 5, rounds=1, trial_seconds=0)
    quick: bool = options.quick
    seconds: int = options.seconds or (3 if quick else 10)
    return Plan(
        traffics=_traffics(options),
        seconds=seconds,
        warm_up_seconds=max(1, seconds // 4),
        rounds=options.rounds or (1 if quick else 3),
        trial_seconds=0 if quick or options.no_trial else max(2, seconds // 3),
    )


def _traffics(options: argparse.Namespace) -> list[Traffic]:
    connections, batches, pipeline = options.connections, options.batches, options.pipeline
    if not (connections or batches or pipeline):
        connections = _counts("1,64" if options.quick else CONNECTIONS)
        batches = _counts("100" if options.quick else BATCHES)
        pipeline = None if options.quick else 8
    traffics = [Traffic(count) for count in connections or ()]
    if pipeline:
        traffics.append(Traffic(PIPELINED_CONNECTIONS, pipeline=pipeline))
    for size in batches or ():
        forms = FORMS if size == max(batches) else FORMS[:1]
        traffics += [Traffic(BATCH_CONNECTIONS, size, form=form) for form in forms]
    return traffics


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _counts(text: str) -> list[int]:
    return sorted({_positive(part) for part in text.split(",")})
