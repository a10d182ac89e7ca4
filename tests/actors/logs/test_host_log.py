"""Events of a host on their way: over a socket, or printed and carried; and other prints."""

import asyncio
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.logs.host_events import MARK, TEXT_CHARACTERS_MAX, HostEvents, relay
from tests.processes_kit import until

ROOT = Path(__file__).parents[3]


def host(level: str, path: str = "-", flood: int = 0) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.actors.logs.host_child", level, path, str(flood)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def relayed(lines: list[str]) -> list[Any]:
    with capture_logs() as events:
        relay(lines, "process 7 on 10.0.0.7")
    return list(events)


def test_what_a_host_prints_becomes_the_events_that_it_logged() -> None:
    done = host("info")
    events = relayed(done.stderr.splitlines())
    assert [(event["log_level"], event["event"]) for event in events] == [
        ("info", "recovered"),
        ("error", "failed"),
        ("error", "a library reports"),
        ("warning", "last words"),
    ]
    assert {event["host"] for event in events} == {"users:7"}
    assert all(event["timestamp"].endswith("Z") for event in events)
    assert events[0]["users"] == 3
    assert "ValueError: a bug" in events[1]["exception"]
    assert len(events[1]["reason"]) == TEXT_CHARACTERS_MAX
    assert events[2]["message"] == "never retrieved"
    assert done.stdout == "1\n", "what was logged in a drain is collected"


def test_the_level_counts_in_the_host_already() -> None:
    lines = host("error").stderr.splitlines()
    assert [event["event"] for event in relayed(lines)] == ["failed", "a library reports"]


async def test_over_a_socket_they_arrive_at_once_and_nothing_is_printed() -> None:
    events = HostEvents()
    path = await events.listen()
    assert path is not None
    with capture_logs() as received:
        done = await asyncio.to_thread(host, "warning", path)
        await events.close()
    assert done.stderr == ""
    assert done.stdout == "0\n", "nothing has to be collected"
    names = [event["event"] for event in received]
    assert names == ["failed", "a library reports", "draining", "last words"]


@pytest.mark.parametrize("how", ["nowhere", "gone", "stuck"])
def test_a_server_that_does_not_receive_holds_no_host_up(tmp_path: Path, how: str) -> None:
    path = str(tmp_path / "events")
    with socket.socket(socket.AF_UNIX) as server:
        if how != "nowhere":
            server.bind(path)
            server.listen()
        if how == "gone":
            server.close()
        done = host("info", path, flood=500)
    assert relayed(done.stderr.splitlines())[-1]["event"] == "last words"


NO_EVENTS = [
    "Fatal Python error: Segmentation fault",
    MARK + "{",
    MARK + "[]",
    MARK + '{"event": "x"}',
    MARK + '{"event": 5, "level": "info"}',
    MARK + '{"event": "x", "level": "loud"}',
    MARK + '{"event": "x", "level": 5}',
]


@pytest.mark.parametrize("line", NO_EVENTS)
def test_whatever_else_is_printed_is_told_as_what_it_is(line: str) -> None:
    [event] = relayed(["", line, ""])
    assert event == {
        "log_level": "warning",
        "event": "a host printed",
        "where": "process 7 on 10.0.0.7",
        "text": line,
    }


def test_empty_lines_are_no_event() -> None:
    assert relayed(["", " "]) == []


@pytest.mark.ray
@pytest.mark.timeout(300)
async def test_without_a_socket_ray_carries_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from actors.cluster.packed import PackedCluster
    from actors.cluster.ray_runtime import RayActors
    from tests.actors.host_kit import grant, settings

    async def nowhere(self: HostEvents) -> None:
        return None

    monkeypatch.setattr(HostEvents, "listen", nowhere)
    host_settings = settings(store_url=tmp_path.as_uri(), log_level="info")
    actors = RayActors(host_settings, "local")
    cluster = PackedCluster(host_settings, actors, hosts=1, ask_timeout_seconds=30)
    with capture_logs() as events:
        await cluster.start()
        try:
            await cluster.ask([grant("alice", "c1")])
            shutil.rmtree(tmp_path / "journals" / "users:0")
            await cluster.ask([grant("alice", "c2")])
            until(lambda: [event for event in events if event["event"] == "journal lost"])
        finally:
            await cluster.drain()
