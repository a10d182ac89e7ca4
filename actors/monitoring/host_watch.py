"""Notices when a host's process ends, and says in the log why: signal, exit code, or memory.

Ray starts a dead host again and says little about its end.  On the server's own machine the kernel
tells of it at once; of hosts on other nodes it is known when their successors are found.

Not for: bringing a host back (Ray does), or whether it answers (`Cluster.health`).
"""

import asyncio
import fcntl
import os
import signal
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import structlog

from actors.background_tasks import BackgroundTasks
from actors.transport.addresses import RunningHost

log = structlog.get_logger(__name__)

Explain = Callable[[RunningHost], Awaitable[str | None]]
"""What Ray knows of a host's end: a phrase, empty if nothing; None where it is no news."""

SIGNALS = {number.value: number.name for number in signal.Signals}
STATUS_TRIES = 20
STATUS_PAUSE_SECONDS = 0.05

_PIDFD_GET_INFO = 0xC040FF0B
_PIDFD_INFO_EXIT = 8
_PIDFD_INFO_BYTES = 64
_KILLED_FOR_MEMORY = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


class HostWatch:
    """The hosts of one server, each in its present life.

    Args:
        explain: asked about a host that has ended.

    Attributes:
        deaths: ends that nobody wanted.
    """

    def __init__(self, explain: Explain) -> None:
        self._explain = explain
        self._following: dict[str, tuple[RunningHost, int | None]] = {}
        self._killed_for_memory = killed_for_memory()
        self._reporting = BackgroundTasks()
        self.deaths = 0

    def follow(self, name: str, host: RunningHost, *, here: bool) -> None:
        """Follow this life of a host; one that differs from the last is that one's end.

        Args:
            here: it is a process of this machine, under that number.
        """
        known = self._following.get(name)
        if known is not None:
            if known[0] == host:
                return
            self._ended(name)
        descriptor = _pidfd(host.pid) if here else None
        self._following[name] = host, descriptor
        if descriptor is not None:
            asyncio.get_running_loop().add_reader(descriptor, self._ended, name)

    def running(self, name: str) -> RunningHost | None:
        """The host's present life, as far as it is known."""
        host, _ = self._following.get(name, (None, None))
        return host

    def expect_end(self, name: str) -> None:
        """The host is about to be ended: that is no death."""
        _, descriptor = self._forget(name)
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Follow nobody any more."""
        for name in list(self._following):
            self.expect_end(name)

    async def reported(self) -> None:
        """Return once every end that was noticed is in the log."""
        await self._reporting.wait_idle()

    def _forget(self, name: str) -> tuple[RunningHost | None, int | None]:
        host, descriptor = self._following.pop(name, (None, None))
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
        return host, descriptor

    def _ended(self, name: str) -> None:
        host, descriptor = self._forget(name)
        if host is not None:
            self._reporting.spawn(self._report(name, host, descriptor))

    async def _report(self, name: str, host: RunningHost, descriptor: int | None) -> None:
        status = None if descriptor is None else await _exit_status(descriptor)
        explained = await self._explain(host)
        if explained is None:
            return
        self.deaths += 1
        before, self._killed_for_memory = self._killed_for_memory, killed_for_memory()
        short_of_memory = self._killed_for_memory > before
        log.error(
            "a host died",
            host=name,
            process_id=host.pid,
            node=host.node.ip,
            reason=reason(status, explained, short_of_memory=short_of_memory),
        )


def reason(status: int | None, explained: str, *, short_of_memory: bool) -> str:
    """Why a process ended, in a phrase.

    Args:
        status: its exit code, or a signal's number below 0; None where the kernel does not tell.
        explained: what Ray says; empty if nothing.
        short_of_memory: the kernel has ended a process for want of memory since the last death.
    """
    parts = []
    if status is not None and status < 0:
        parts.append(f"signal {-status} ({SIGNALS.get(-status, 'of no name')})")
    elif status is not None:
        parts.append(f"exit code {status}")
    if short_of_memory and status in (None, -signal.SIGKILL):
        parts.append("the kernel has just ended a process for want of memory")
    if explained:
        parts.append(explained)
    return "; ".join(parts) or "neither the kernel nor Ray says"


def killed_for_memory() -> int:
    """Processes that the kernel ended for want of memory, here or, failing that, on the machine."""
    for path in _KILLED_FOR_MEMORY:
        with suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # it has ended already, or this kernel has none


async def _exit_status(descriptor: int) -> int | None:
    """How a process ended that is not a child of this one; None before Linux 6.15.

    The kernel tells once the parent has taken note.  The descriptor is closed.
    """
    try:
        for _ in range(STATUS_TRIES):
            found = bytearray(_PIDFD_INFO_BYTES)
            struct.pack_into("=Q", found, 0, _PIDFD_INFO_EXIT)
            fcntl.ioctl(descriptor, _PIDFD_GET_INFO, found)
            mask, status = struct.unpack("=Q52xi", found)
            if mask & _PIDFD_INFO_EXIT:
                return os.waitstatus_to_exitcode(status)
            await asyncio.sleep(STATUS_PAUSE_SECONDS)
    except OSError:
        pass  # this kernel has no such question
    finally:
        os.close(descriptor)
    return None
