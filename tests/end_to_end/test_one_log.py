"""One log: what happens in hosts stands on the server's stderr, in its format and level."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.server_kit import Server
from tests.processes_kit import until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

GRANT = "grant_player_progression_experience"


class Logged:
    """A server that logs JSON at `level`, and what it has logged."""

    def __init__(self, folder: Path, placement: str, level: str) -> None:
        self.folder = folder
        options = ("--placement", placement, "--log-format", "json", "--log-level", level)
        self.server = Server(folder, *options)
        self.client = self.server.client("--service", "game")

    def events(self) -> list[dict[str, Any]]:
        lines = (self.folder / "server.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [logged for logged in self.events() if logged["event"] == event]


@pytest.fixture(params=["packed", "dedicated"])
def logged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logged]:
    trial = Logged(tmp_path, request.param, "info")
    yield trial
    trial.server.end()


def test_what_goes_wrong_in_a_host_stands_in_the_servers_log(logged: Logged) -> None:
    logged.client.send("alice", GRANT, amount=500)
    for process in logged.server.user_processes():
        process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))  # as if the disk were full
    body = {"command_id": "c", "type": GRANT, "amount": 1}
    assert logged.client.post("alice", body).status_code in (503, 504)
    [lost, *_] = until(lambda: logged.of("journal lost"))
    assert "File too large" in lost["reason"]
    assert lost["host"] in ("user:alice", "users:0")
    assert lost["level"] == "error"
    assert lost["timestamp"].endswith("Z")
    assert {event["level"] for event in logged.events()} <= {"info", "warning", "error"}


def test_the_last_words_of_a_host_that_ends_itself_arrive(logged: Logged) -> None:
    logged.client.send("alice", GRANT, amount=500)
    for journal in (logged.folder / "data" / "journals").iterdir():
        if journal.name != "server":
            shutil.rmtree(journal)
    body = {"command_id": "c", "type": GRANT, "amount": 1}
    logged.client.post("alice", body)
    [lost, *_] = until(lambda: logged.of("journal lost"))
    assert "is gone" in lost["reason"]


def test_what_a_host_logs_while_it_drains_arrives(logged: Logged) -> None:
    logged.client.send("alice", GRANT, amount=500)
    for process in logged.server.user_processes():
        process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))
    assert logged.server.stop() == 0
    [failed] = logged.of("snapshot failed")
    assert "File too large" in failed["reason"]


def test_at_debug_hosts_say_more_and_at_error_nothing_but_errors(tmp_path: Path) -> None:
    for level, expected in (("debug", {"debug"}), ("error", set())):
        folder = tmp_path / level
        folder.mkdir()
        trial = Logged(folder, "dedicated", level)
        try:
            trial.client.send("alice", GRANT, amount=500)
            assert trial.server.stop() == 0
        finally:
            trial.server.end()
        assert {event["level"] for event in trial.events()} & {"debug", "info"} == expected
