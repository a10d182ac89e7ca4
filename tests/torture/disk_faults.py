"""Disk-fault nemesis: a disk that is full or fails under a whole host, and then recovers (R9, P8).

Not for: the n-th call of a store (`tests.persistence.disk.test_disk_faults`).
"""

import asyncio
import errno
import time
from typing import NamedTuple

from actors.host.journal import UNDURABLE_BYTES_MAX
from tests.torture.config import CampaignConfig
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.outcome import Outcome, outcome
from tests.torture.plan import WHOLE_WINDOW
from tests.torture.system import SystemUnderTest, Unserved

REFUSALS = 150
"""How many refusals the clients get before the fault goes away."""
RSS_GROWTH_MAX = 128 * 1024 * 1024


class DiskFault(NamedTuple):
    """Which calls of the operating system fail, and how."""

    name: str
    calls: tuple[str, ...]
    code: int


DISK_FAULTS = (
    DiskFault("no space left", ("write", "open", "mkdir", "link"), errno.ENOSPC),
    DiskFault("EIO on write", ("write",), errno.EIO),
    DiskFault("EIO on fdatasync", ("fdatasync",), errno.EIO),
    DiskFault("EIO on link", ("link",), errno.EIO),
    DiskFault("EIO on fsync of a folder", ("fsync",), errno.EIO),
)


async def disk_faults(config: CampaignConfig, rounds: int, mutant: str = "") -> Outcome:
    """Break the disk under load, heal it, and go on: nothing lost, clear words, no new process."""
    began, done = time.monotonic(), 0
    resumed: list[float] = []
    rss: list[int] = []
    restarts = 0
    async with config.system("disk_faults", mutant, receipt_window=WHOLE_WINDOW) as system:
        host = await system.start_host()
        for number in range(rounds * len(DISK_FAULTS)):
            if system.checker.violations:
                break
            fault = DISK_FAULTS[number % len(DISK_FAULTS)]
            await system.answers(host, system.dice.randint(20, 100))
            try:
                await host.order("break", [list(fault.calls), fault.code])
                await _refused(system, host)
                rss.append(await _vitals(system, host, fault))
                await host.order("heal")
            except HostDied:  # a process that cannot trust its disk goes, and Ray brings a new one
                restarts += 1
                await system.reap(host)
                host = await system.start_host()
            healed = time.monotonic()
            await _resumes(system, host, fault)
            resumed.append(time.monotonic() - healed)
            done += 1
            config.progress(done, rounds * len(DISK_FAULTS))
        if not system.checker.violations:
            await system.finish()
    found = outcome("disk full, EIO under load", system, done, rounds * len(DISK_FAULTS), began)
    if resumed and rss:
        found.figures["serves_again_max_ms"] = round(1000 * max(resumed), 1)
        found.figures["processes_that_gave_up"] = restarts
        found.figures["asked_again"] = system.checker.ask_again
        found.figures["rss_growth_mb"] = round((max(rss) - rss[0]) / 2**20, 1)
        if max(rss) - rss[0] > RSS_GROWTH_MAX:
            found.failures.append(f"the host grew by {max(rss) - rss[0]} bytes")
    return found


async def _refused(system: SystemUnderTest, host: HostProcess) -> None:
    """Until enough clients were told to ask again; a fault that only snapshots meet tells none."""
    before = system.checker.ask_again
    until = system.router.answered + 500
    while system.checker.ask_again < before + REFUSALS and system.router.answered < until:
        if host.ended.is_set():
            raise HostDied
        await asyncio.sleep(0.001)


async def _vitals(system: SystemUnderTest, host: HostProcess, fault: DiskFault) -> int:
    found = await host.order("vitals")
    if found["pending_bytes"] > UNDURABLE_BYTES_MAX + 2**20 or found["users_awake"] > 1_000:
        system.checker.violate("lost", "", "", f"{fault.name}: memory is not bounded: {found}")
    return int(found["rss"])


async def _resumes(system: SystemUnderTest, host: HostProcess, fault: DiskFault) -> None:
    try:
        await system.answers(host, len(system.clients))
    except Unserved:
        system.checker.violate("lost", "", "", f"{fault.name}: service did not resume by itself")
