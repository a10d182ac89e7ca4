"""Hosts whose process ends: noticed at once, with the reason that the kernel and Ray have."""

import asyncio
import os
import platform
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from actors.monitoring import host_watch
from actors.monitoring.host_watch import HostWatch, killed_for_memory, reason
from actors.transport.addresses import Node, RunningHost

NODE = Node("here", "127.0.0.1")
KERNEL_TELLS = tuple(map(int, platform.release().split(".")[:2])) >= (6, 15)


class Process:
    """A process that waits to be ended; a shell is its parent, as Ray is a host's."""

    def __init__(self) -> None:
        waiting = "import os; print(os.getpid(), flush=True); os._exit(int(input()))"
        self._shell = subprocess.Popen(
            ["sh", "-c", f"{sys.executable} -c '{waiting}' <&0; true"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._shell.stdout is not None
        self.host = RunningHost(NODE, int(self._shell.stdout.readline()), "a worker")

    def end(self, how: int) -> None:
        """By a signal, or, below 0, with that exit code."""
        if how > 0:
            os.kill(self.host.pid, how)
            return
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{-how}\n")
        self._shell.stdin.flush()

    def close(self) -> None:
        self._shell.communicate()


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    started = Process()
    yield started
    started.close()


class Reports:
    """What Ray says of ends, as the test has it."""

    def __init__(self, explained: str | None = "") -> None:
        self.explained = explained
        self.asked: list[RunningHost] = []

    async def explain(self, host: RunningHost) -> str | None:
        self.asked.append(host)
        return self.explained

    async def until_asked(self, watch: HostWatch) -> None:
        async with asyncio.timeout(10):
            while not self.asked:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
            await watch.reported()


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (signal.SIGKILL, "signal 9 (SIGKILL)"),
        (signal.SIGTERM, "signal 15 (SIGTERM)"),
        (signal.SIGSEGV, "signal 11 (SIGSEGV)"),
        (-1, "exit code 1"),
        (-70, "exit code 70"),
    ],
)
async def test_a_death_is_logged_with_what_the_kernel_says(
    how: int, expected: str, process: Process
) -> None:
    reports = Reports()
    watch = HostWatch(reports.explain)
    with capture_logs() as logged:
        watch.follow("users:0", process.host, here=True)
        process.end(how)
        await reports.until_asked(watch)
    assert [(line["event"], line["host"], line["process_id"]) for line in logged] == [
        ("a host died", "users:0", process.host.pid)
    ]
    assert watch.deaths == 1
    if KERNEL_TELLS:
        assert logged[0]["reason"] == expected


async def test_an_end_that_was_asked_for_is_no_death(process: Process) -> None:
    reports = Reports()
    watch = HostWatch(reports.explain)
    watch.follow("users:0", process.host, here=True)
    watch.expect_end("users:0")
    process.end(signal.SIGKILL)
    process.close()
    await watch.reported()
    assert (watch.deaths, reports.asked) == (0, [])


async def test_hosts_that_go_because_ray_goes_are_no_news(process: Process) -> None:
    reports = Reports(explained=None)
    watch = HostWatch(reports.explain)
    with capture_logs() as logged:
        watch.follow("users:0", process.host, here=True)
        process.end(signal.SIGKILL)
        await reports.until_asked(watch)
    assert (watch.deaths, logged) == (0, [])


async def test_on_another_node_another_life_is_the_end_of_the_last() -> None:
    reports = Reports("Ray's memory monitor ended it")
    watch = HostWatch(reports.explain)
    lives = [RunningHost(Node("there", "127.0.0.2"), 1, f"worker {n}") for n in range(2)]
    with capture_logs() as logged:
        for life in (lives[0], lives[0], lives[1]):
            watch.follow("users:0", life, here=False)
        await reports.until_asked(watch)
    assert reports.asked == [lives[0]]
    assert [(line["node"], line["reason"]) for line in logged] == [
        ("127.0.0.2", "Ray's memory monitor ended it")
    ]


async def test_a_host_that_is_gone_before_it_can_be_followed_does_no_harm() -> None:
    watch = HostWatch(Reports().explain)
    gone = Process()
    gone.end(signal.SIGKILL)
    gone.close()
    watch.follow("users:0", gone.host, here=True)
    watch.close()


@pytest.mark.parametrize(
    ("status", "explained", "short_of_memory", "expected"),
    [
        (-9, "", False, "signal 9 (SIGKILL)"),
        (
            -9,
            "",
            True,
            "signal 9 (SIGKILL); the kernel has just ended a process for want of memory",
        ),
        (-15, "", True, "signal 15 (SIGTERM)"),
        (0, "The process receives a SIGTERM", False, "exit code 0; The process receives a SIGTERM"),
        (None, "", False, "neither the kernel nor Ray says"),
        (None, "", True, "the kernel has just ended a process for want of memory"),
        (None, "Ray's memory monitor ended it", False, "Ray's memory monitor ended it"),
    ],
)
def test_a_reason_is_a_phrase_of_what_is_known(
    status: int | None, explained: str, short_of_memory: bool, expected: str
) -> None:
    assert reason(status, explained, short_of_memory=short_of_memory) == expected


def test_processes_killed_for_memory_are_counted_by_the_container_or_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container, machine = tmp_path / "memory.events", tmp_path / "vmstat"
    machine.write_text("nr_free_pages 5\noom_kill 7\n")
    monkeypatch.setattr(host_watch, "_KILLED_FOR_MEMORY", (container, machine))
    assert killed_for_memory() == 7
    container.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert killed_for_memory() == 2
    monkeypatch.setattr(host_watch, "_KILLED_FOR_MEMORY", ())
    assert killed_for_memory() == 0
