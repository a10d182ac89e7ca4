"""Kill nemesis: kill -9 under load, at random points and at every failpoint (R1, R2, R15).

Not for: hosts that live on (`failover`) or a disk that refuses (`disk_faults`).
"""

import asyncio
import time

from persistence.failpoints import HOST_FAILPOINTS, STORE_FAILPOINTS
from tests.torture.config import CampaignConfig
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.outcome import Outcome, outcome
from tests.torture.plan import WHOLE_WINDOW
from tests.torture.system import SystemUnderTest

ANSWERS_MAX = 3_000
"""A step that is not reached within so many answers more is not counted."""

_NOT_ON_OBJECTS = {
    "journal.mid_append",
    "journal.after_sync",
    "snapshot.before_rename",
    "snapshot.after_rename",
}


def steps_of(store: str) -> list[str]:
    """The named steps that hosts on such a store pass."""
    passed = (*STORE_FAILPOINTS, *HOST_FAILPOINTS)
    return [one for one in passed if store == "file" or one not in _NOT_ON_OBJECTS]


async def random_kills(
    config: CampaignConfig, kills: int, mutant: str = "", answers_max: int = 300
) -> Outcome:
    """Kill the host anywhere between its start and some hundred answers later."""
    began, done = time.monotonic(), 0
    async with config.system("random-kills", mutant) as system:
        while done < kills and not system.checker.violations:
            host = await system.start_host()
            await _run_clients(system, host, answers_max)
            host.kill()
            await system.reap(host)
            done += 1
            config.progress(done, kills)
        await _finish(system)
    return outcome("kill -9 at random points", system, done, kills, began)


async def kills_at_steps(
    config: CampaignConfig, steps: list[str], times: int, mutant: str = ""
) -> Outcome:
    """Have the host kill itself at the k-th arrival at each step."""
    began, counts = time.monotonic(), dict.fromkeys(steps, 0)
    async with config.system("steps", mutant, receipt_window=WHOLE_WINDOW) as system:
        for turn in range(times):
            for step in steps:
                if system.checker.violations:
                    break
                for _ in range(4):
                    if await _killed_at(system, step):
                        counts[step] += 1
                        break
                config.progress(turn * len(steps) + steps.index(step) + 1, times * len(steps))
        await _finish(system)
    found = outcome("kill -9 at every named step", system, sum(counts.values()), 0, began)
    found.wanted = times * len(steps)
    found.figures["each_step_at_least"] = min(counts.values())
    found.figures["steps"] = counts
    if not system.checker.violations:
        found.failures += [f"{step}: reached {n} times" for step, n in counts.items() if n < times]
    return found


async def _killed_at(system: SystemUnderTest, step: str) -> bool:
    """One life to load the journal, where the step belongs to recovery, and one to die at it."""
    if step.startswith("recovery."):
        before = await system.start_host()
        await system.answers(before, system.dice.randint(20, 80))
        before.kill()
        await system.reap(before)
    arrival = system.dice.randint(1, _arrivals_max(step))
    host = await system.start_host("kill", step, arrival)
    died = await _run_clients(system, host, 0)
    if not died:
        passivating = asyncio.create_task(_passivate(host)) if step == "host.passivating" else None
        died = await system.answers(host, ANSWERS_MAX)
        if passivating is not None:
            passivating.cancel()
    await system.reap(host)
    return died


def _arrivals_max(step: str) -> int:
    """How often a life of some hundred answers, or a recovery, passes the step at least."""
    if step.startswith("journal.") and step != "journal.before_drop":
        return 40
    if step in ("host.before_reply", "snapshot.before_write"):
        return 20
    if step in ("recovery.user_folded", "host.passivating", "snapshot.before_rename"):
        return 8
    return 2 if step == "journal.before_drop" else 1  # of a recovery, and of a checkpoint


async def _run_clients(system: SystemUnderTest, host: HostProcess, answers_max: int) -> bool:
    """Let clients play for a while; in some lives idle users are let go meanwhile."""
    count = system.dice.randint(0, answers_max)
    if system.dice.random() < 0.3:
        if await system.answers(host, count // 2):
            return True
        await _passivate(host, 1)
    return await system.answers(host, count - count // 2)


async def _passivate(host: HostProcess, times: int = 1_000) -> None:
    try:
        for _ in range(times):
            await host.order("passivate")
    except HostDied:
        return


async def _finish(system: SystemUnderTest) -> None:
    if not system.checker.violations:
        await system.start_host()
        await system.finish()
