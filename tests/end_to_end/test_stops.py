"""A stop on Ray ends in order too: whatever died before, nothing of the server or Ray stays."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.server_kit import Server
from tests.processes_kit import gone, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

GRANT = "grant_player_progression_experience"


class Trial:
    """A server whose user has acknowledged rows, and ways to break what it stands on."""

    def __init__(self, folder: Path, placement: str) -> None:
        self.folder = folder
        self.server = Server(folder, "--placement", placement, "--drain-seconds", "1")
        self.client = self.server.client("--service", "game")
        self.client.send("alice", GRANT, "c1", amount=500)
        self.children = psutil.Process(self.server.process.pid).children(recursive=True)

    def kill_hosts(self) -> None:
        for process in self.server.user_processes():
            process.kill()

    def stop_hosts_from_running(self) -> None:
        """They live and never answer."""
        for process in self.server.user_processes():
            process.suspend()

    def delete_the_store(self) -> None:
        shutil.rmtree(self.folder / "data")

    def fill_the_disk(self) -> None:
        for process in self.server.user_processes():
            process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))

    def end(self) -> None:
        self.server.end()
        for process in self.children:
            if process.is_running():
                process.kill()


BREAKAGES: dict[str, Callable[[Trial], None]] = {
    "hosts are dead": Trial.kill_hosts,
    "hosts are stuck": Trial.stop_hosts_from_running,
    "the store is deleted": Trial.delete_the_store,
    "the disk is full": Trial.fill_the_disk,
}


Begin = Callable[[str], Trial]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts the trial's server with a placement."""
    started: list[Trial] = []

    def start(placement: str) -> Trial:
        started.append(Trial(tmp_path, placement))
        return started[-1]

    yield start
    for trial in started:
        trial.end()


@pytest.mark.parametrize(
    ("placement", "breakage"),
    [
        *(("packed", breakage) for breakage in BREAKAGES),
        pytest.param("dedicated", "hosts are stuck", marks=pytest.mark.campaign),
    ],
)
def test_a_stop_ends_with_0_and_leaves_no_process(
    begin: Begin, placement: str, breakage: str
) -> None:
    trial = begin(placement)
    BREAKAGES[breakage](trial)
    trial.server.process.send_signal(signal.SIGTERM)
    assert trial.server.process.wait(60) == 0
    until(lambda: gone([process.pid for process in trial.children]))


@pytest.mark.parametrize("part", ["raylet", pytest.param("gcs_server", marks=pytest.mark.campaign)])
def test_a_stop_without_ray_ends_too(begin: Begin, part: str) -> None:
    trial = begin("packed")
    for process in trial.children:
        if process.is_running() and process.name() == part:
            os.kill(process.pid, signal.SIGKILL)
    trial.server.process.send_signal(signal.SIGTERM)
    assert trial.server.process.wait(60) in (0, 1)
    until(lambda: gone([process.pid for process in trial.children]))
