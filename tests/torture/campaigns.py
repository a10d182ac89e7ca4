"""kill -9 under load: at random points, and at every named step (R1, R2, R15).

Not for: hosts that live on (`takeovers`) or a disk that refuses (`starving`).
"""

import asyncio
import time

from persistence.failpoints import HOST_FAILPOINTS, STORE_FAILPOINTS
from tests.torture.arena import Arena
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.outcome import Ground, Outcome, outcome
from tests.torture.plan import WHOLE_WINDOW

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
    ground: Ground, kills: int, variant: str = "", answers_max: int = 300
) -> Outcome:
    """Kill the host anywhere between its start and some hundred answers later."""
    began, done = time.monotonic(), 0
    async with ground.arena("random-kills", variant) as arena:
        while done < kills and not arena.ledger.violations:
            host = await arena.life()
            await _play(arena, host, answers_max)
            host.kill()
            await arena.bury(host)
            done += 1
            ground.progress(done, kills)
        await _finish(arena)
    return outcome("kill -9 at random points", arena, done, kills, began)


async def kills_at_steps(
    ground: Ground, steps: list[str], times: int, variant: str = ""
) -> Outcome:
    """Have the host kill itself at the k-th arrival at each step."""
    began, counts = time.monotonic(), dict.fromkeys(steps, 0)
    async with ground.arena("steps", variant, receipt_window=WHOLE_WINDOW) as arena:
        for turn in range(times):
            for step in steps:
                if arena.ledger.violations:
                    break
                for _ in range(4):
                    if await _killed_at(arena, step):
                        counts[step] += 1
                        break
                ground.progress(turn * len(steps) + steps.index(step) + 1, times * len(steps))
        await _finish(arena)
    found = outcome("kill -9 at every named step", arena, sum(counts.values()), 0, began)
    found.wanted = times * len(steps)
    found.figures["each_step_at_least"] = min(counts.values())
    found.figures["steps"] = counts
    if not arena.ledger.violations:
        found.failures += [f"{step}: reached {n} times" for step, n in counts.items() if n < times]
    return found


async def _killed_at(arena: Arena, step: str) -> bool:
    """One life to load the journal, where the step belongs to recovery, and one to die at it."""
    if step.startswith("recovery."):
        before = await arena.life()
        await arena.answers(before, arena.dice.randint(20, 80))
        before.kill()
        await arena.bury(before)
    arrival = arena.dice.randint(1, _arrivals_max(step))
    host = await arena.life("kill", step, arrival)
    died = await _play(arena, host, 0)
    if not died:
        passivating = asyncio.create_task(_passivate(host)) if step == "host.passivating" else None
        died = await arena.answers(host, ANSWERS_MAX)
        if passivating is not None:
            passivating.cancel()
    await arena.bury(host)
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


async def _play(arena: Arena, host: HostProcess, answers_max: int) -> bool:
    """Let clients play for a while; in some lives idle users are let go meanwhile."""
    count = arena.dice.randint(0, answers_max)
    if arena.dice.random() < 0.3:
        if await arena.answers(host, count // 2):
            return True
        await _passivate(host, 1)
    return await arena.answers(host, count - count // 2)


async def _passivate(host: HostProcess, times: int = 1_000) -> None:
    try:
        for _ in range(times):
            await host.order("passivate")
    except HostDied:
        return


async def _finish(arena: Arena) -> None:
    if not arena.ledger.violations:
        await arena.life()
        await arena.finish()
