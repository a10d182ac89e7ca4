"""One log: what happens in hosts stands on the server's stderr, in its format and level."""

import contextlib
import json
import resource
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

    def of(self, event: str, reason: str) -> list[dict[str, Any]]:
        """Lines of an event whose reason has these words."""
        return [
            logged
            for logged in self.events()
            if logged["event"] == event and reason in logged["reason"]
        ]


@pytest.fixture(scope="module", params=["packed", "dedicated"])
def logged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logged]:
    """One server for the tests below; each has a user of its own, and the last one stops it."""
    trial = Logged(tmp_path_factory.mktemp("logged"), request.param, "info")
    yield trial
    trial.server.end()


@contextlib.contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Hosts' files cannot grow, as if the disk were full."""
    processes = server.user_processes()
    for process in processes:
        process.rlimit(psutil.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # a host may end itself of it
            process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def test_what_goes_wrong_in_a_host_stands_in_the_servers_log(logged: Logged) -> None:
    logged.client.send("alice", GRANT, amount=500)
    with full_disk(logged.server):
        body = {"command_id": "c", "type": GRANT, "amount": 1}
        assert logged.client.post("alice", body).status_code in (503, 504)
        [lost, *_] = until(lambda: logged.of("journal lost", "File too large"))
    assert lost["host"] in ("user:alice", "users:0")
    assert lost["level"] == "error"
    assert lost["timestamp"].endswith("Z")
    assert {event["level"] for event in logged.events()} <= {"info", "warning", "error"}


def test_the_last_words_of_a_host_that_ends_itself_arrive(logged: Logged) -> None:
    logged.client.send("bob", GRANT, amount=500)
    for journal in (logged.folder / "data" / "journals").iterdir():
        if journal.name != "server":
            shutil.rmtree(journal)
    body = {"command_id": "c", "type": GRANT, "amount": 1}
    logged.client.post("bob", body)
    assert until(lambda: logged.of("journal lost", "is gone"))


def test_what_a_host_logs_while_it_drains_arrives(logged: Logged) -> None:
    logged.client.send("carol", GRANT, amount=500)
    with full_disk(logged.server):
        assert logged.server.stop() == 0
    assert logged.of("snapshot failed", "File too large")


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", {"debug"}), pytest.param("error", set(), marks=pytest.mark.campaign)],
)
def test_at_debug_hosts_say_more_and_at_error_nothing_but_errors(
    level: str, expected: set[str], tmp_path: Path
) -> None:
    trial = Logged(tmp_path, "dedicated", level)
    try:
        trial.client.send("alice", GRANT, amount=500)
        assert trial.server.stop() == 0
    finally:
        trial.server.end()
    assert {event["level"] for event in trial.events()} & {"debug", "info"} == expected
