"""`make torture`: every campaign in its long version, one printed seed, exit 1 when anything broke.

    python -m tests.torture --minutes 15 --seed 7 --store file --json FILE

`--minutes` scales how often each campaign does what it does; 15 is about what its name says.
"""

import argparse
import asyncio
import logging
import secrets
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
from rich.console import Console

from tests.torture import over_ray, report
from tests.torture.claims import claim_races
from tests.torture.config import CampaignConfig
from tests.torture.disk_faults import disk_faults
from tests.torture.failover import held_appends, pauses
from tests.torture.kills import kills_at_steps, random_kills, steps_of
from tests.torture.outcome import Outcome, Progress
from tests.torture.over_s3 import s3_config
from tests.torture.recovery_speed import many_users, recovery_speed

ROOT = Path(__file__).parents[2]
FAILURES = ROOT / "torture-failures"
MINUTES_FULL = 15.0
ON_FILES = (
    "journal/test_frame.py",
    "disk/test_disk_faults.py",
    "disk/test_power_loss.py",
    "disk/test_crash.py",
)

Campaign = Callable[[Progress], list[Outcome]]


def main() -> int:
    """Run, print, and say by the exit code whether anything broke."""
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = secrets.randbits(31) if options.seed is None else options.seed
    console, found = Console(), list[Outcome]()
    facts = report.surroundings(seed)
    console.print(" ".join(f"{name}={value}" for name, value in facts.items()), highlight=False)
    share = options.minutes / MINUTES_FULL
    with report.Progressing(console) as progressing:
        for name, campaign in _campaigns(
            "s3" if options.s3 else options.store, seed, share, options.s3
        ):
            if options.only and options.only not in name:
                continue
            for outcome in _carefully(name, campaign, progressing.begin(name)):
                found.append(outcome)
                progressing.end(outcome)
    console.print(report.table(found))
    if options.json is not None:
        report.write(options.json, facts, found)
    broken = [one.name for one in found if not one.passed]
    if broken:
        console.print(f"broken: {', '.join(broken)}; seed {seed}; see {FAILURES.name}/")
    return 1 if broken else 0


def _carefully(name: str, campaign: Campaign, progress: Progress) -> list[Outcome]:
    """A campaign that breaks off is a failure of its own; the others still run."""
    try:
        return campaign(progress)
    except Exception:
        return [Outcome(name, 0, 1, 0, 0, 0, {}, [traceback.format_exc()])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES_FULL)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--store", choices=["file", "s3", "all"], default="all")
    parser.add_argument(
        "--s3",
        metavar="URL",
        help="run on this store, such as s3://bucket/prefix, found by the environment; "
        "without it on a server of its own",
    )
    parser.add_argument("--only", default="", help="run the campaigns with this in their names")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    return parser.parse_args()


def _campaigns(
    store: str, seed: int, share: float, s3: str | None
) -> Iterator[tuple[str, Campaign]]:
    if store != "s3":
        yield from _on_disk(seed, share)
        yield from _at_large(seed, share)
    if store != "file":
        yield from _on_objects(seed, share, s3)


def _times(share: float, full: int) -> int:
    return max(1, round(full * share))


def _on_disk(seed: int, share: float) -> Iterator[tuple[str, Campaign]]:
    def config(progress: Progress) -> CampaignConfig:
        return CampaignConfig(seed, FAILURES, progress=progress)

    yield (
        "random kills",
        lambda progress: [asyncio.run(random_kills(config(progress), _times(share, 600)))],
    )
    yield (
        "kills at steps",
        lambda progress: [
            asyncio.run(kills_at_steps(config(progress), steps_of("file"), _times(share, 20)))
        ],
    )
    yield "pauses", lambda progress: [asyncio.run(pauses(config(progress), _times(share, 220)))]
    yield (
        "held appends",
        lambda progress: [asyncio.run(held_appends(config(progress), _times(share, 80)))],
    )
    yield (
        "disk_faults",
        lambda progress: [asyncio.run(disk_faults(config(progress), _times(share, 20)))],
    )
    yield (
        "claim races",
        lambda progress: claim_races(seed, _times(share, 10_000), progress=progress),
    )


def _at_large(seed: int, share: float) -> Iterator[tuple[str, Campaign]]:
    yield (
        "recovery speed",
        lambda progress: [
            asyncio.run(recovery_speed(_times(share, 100_000), users)) for users in (1, 1_000)
        ],
    )
    yield "many users", lambda progress: [asyncio.run(many_users(_times(share, 1_000_000)))]
    yield "torn and flipped", lambda progress: [_files()]
    yield (
        "over Ray",
        lambda progress: [
            asyncio.run(over_ray.kills_on_ray(seed, _times(share, 10), progress, placement))
            for placement in ("dedicated", "packed")
        ],
    )


def _on_objects(seed: int, share: float, url: str | None) -> Iterator[tuple[str, Campaign]]:
    def kills(progress: Progress) -> list[Outcome]:
        with s3_config(seed, FAILURES, url=url, progress=progress) as config:
            return [_named(asyncio.run(random_kills(config, _times(share, 120))))]

    def at_steps(progress: Progress) -> list[Outcome]:
        with s3_config(seed, FAILURES, url=url, progress=progress) as config:
            steps = steps_of("s3")
            return [_named(asyncio.run(kills_at_steps(config, steps, _times(share, 5))))]

    yield "random kills on S3", kills
    yield "kills at steps on S3", at_steps


def _named(found: Outcome) -> Outcome:
    found.name += ", on S3 with faults"
    return found


def _files() -> Outcome:
    """The exhaustive tests of bytes: every cut, every bit, every failing call, power loss."""
    paths = [f"tests/persistence/{name}" for name in ON_FILES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *paths], cwd=ROOT, capture_output=True, text=True
    )
    line = done.stdout.strip().splitlines()[-1]
    failures = [] if done.returncode == 0 else [done.stdout[-2_000:]]
    passed = int(line.split()[0]) if done.returncode == 0 else 0
    return Outcome(
        "every cut, bit and failing call", passed, passed, 0, 0, 0, {"pytest": line}, failures
    )


if __name__ == "__main__":
    sys.exit(main())
