"""A stop always ends in order: whatever is broken, in time, with exit 0 and nothing lost."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.server_kit import QUESTKEEP, Client, Server, environment, token
from tests.gateway.server.local_server_kit import ROOT
from tests.processes_kit import until
from tests.s3_kit import new_bucket, s3_process

pytestmark = pytest.mark.kills

GRANT = "grant_player_progression_experience"
DRAIN_SECONDS = 1
PATIENCE_SECONDS = 60
"""Far above the promise (`drain_seconds` and 5 s), for machines that are busy."""


def snapshots(folder: Path) -> set[str]:
    """The users who have one."""
    names = [path.name.partition("~")[0] for path in (folder / "data").rglob("*~*")]
    return {name for name in names if "%" not in name}


def url_in_lock(folder: Path) -> str | None:
    """Where a server listens that cannot say so."""
    try:
        return str(json.loads((folder / "data" / "lock").read_text())["url"])
    except (OSError, ValueError):
        return None


class Broken:
    """A server on one machine, and ways to break what it stands on."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.folder = folder
        limit = ("--drain-seconds", str(DRAIN_SECONDS))
        self.server = Server(folder, "--placement", "local", *limit, *options, **variables)
        self.client = self.server.client("--service", "game")
        self.process = psutil.Process(self.server.process.pid)

    def grant(self, user_id: str) -> None:
        self.client.send(user_id, GRANT, amount=500)

    def fill_the_disk(self) -> None:
        """No file can grow any more."""
        self.process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))

    def use_up_inodes(self) -> None:
        """No file can be opened any more, which is how it looks when none can be made."""
        _, most = self.process.rlimit(psutil.RLIMIT_NOFILE)
        self.process.rlimit(psutil.RLIMIT_NOFILE, (1, most))

    def take_the_store_away(self) -> None:
        (self.folder / "data").rename(self.folder / "elsewhere")

    def delete_the_store(self) -> None:
        shutil.rmtree(self.folder / "data")

    def stop(self) -> int:
        self.server.process.send_signal(signal.SIGTERM)
        return self.server.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Broken]:
    trial = Broken(tmp_path)
    yield trial
    trial.server.end()


BREAKAGES: dict[str, Callable[[Broken], None]] = {
    "the disk is full": Broken.fill_the_disk,
    "inodes are gone": Broken.use_up_inodes,
    "the store is away": Broken.take_the_store_away,
    "the store is deleted": Broken.delete_the_store,
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_stop_ends_with_0_on_a_store_that_is_broken(broken: Broken, breakage: str) -> None:
    for number in range(20):
        broken.grant(f"u{number}")
    BREAKAGES[breakage](broken)
    assert broken.stop() == 0


def test_what_was_acknowledged_before_the_disk_was_full_is_there_afterwards(
    broken: Broken,
) -> None:
    broken.grant("alice")
    broken.fill_the_disk()
    body = {"command_id": "lost", "type": GRANT, "amount": 1}
    assert broken.client.post("alice", body).status_code in (503, 504)
    assert broken.stop() == 0
    again = Broken(broken.folder)
    try:
        row = again.client.get("/v1/users/alice/progression").json()
        assert row["player_progression"]["total_xp"] == 500
    finally:
        again.server.end()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "stuck"])
def test_a_stop_ends_with_0_when_the_bucket_is(tmp_path: Path, how: signal.Signals) -> None:
    with s3_process() as (bucket_server, address):
        trial = Broken(
            tmp_path,
            *("--store", new_bucket(address)),
            AWS_ENDPOINT_URL=address,
            AWS_ALLOW_HTTP="true",
            AWS_ACCESS_KEY_ID="anyone",
            AWS_SECRET_ACCESS_KEY="anything",
            AWS_REGION="us-east-1",
        )
        try:
            for number in range(20):
                trial.grant(f"u{number}")
            bucket_server.send_signal(how)
            assert trial.stop() == 0
        finally:
            trial.server.end()


def test_a_client_that_never_finishes_its_request_does_not_keep_the_server(
    broken: Broken,
) -> None:
    broken.grant("alice")
    bearer = broken.server.token("--service", "game")
    port = int(broken.server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /v1/users/alice/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
            b"authorization: Bearer " + bearer.encode() + b"\r\n\r\n{"
        )
        until(lambda: "in_flight 1.0" in broken.client.get("/metrics").text)
        assert broken.stop() == 0
    assert snapshots(broken.folder) == {"alice"}


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_drain_that_is_stuck_is_left_behind(tmp_path: Path, how: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.server.stuck_child", how],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert any("Ctrl-C" in line for line in child.stdout)
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=PATIENCE_SECONDS)
    finally:
        child.kill()
    assert child.returncode == 0
    expected = {
        "thread": "not every user was snapshotted",
        "loop": "the stop took too long and was cut short",
    }
    assert expected[how] in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_is_told_to_stop_is_broken_off_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.server.stuck_child", "start"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            if "keeps its promises" in line:
                break
        child.send_signal(number)
        assert child.wait(PATIENCE_SECONDS) == 0
        # The child prints beside the console's thread: their lines have no order.
        assert {line for line in child.stdout.read().splitlines() if line} == {
            "Stopping, before it was ready (Ctrl-C again leaves at once).",
            "cleaned up",
            "Stopped.",
        }
        assert child.stderr.read() == ""


class Log:
    """Where a server's stdout and stderr go, and how that breaks."""

    def __init__(self, how: str) -> None:
        reader, self.writer = os.pipe()
        self.reader: int | None = reader
        if how == "full":
            os.close(self.writer)
            self.writer = os.open("/dev/full", os.O_WRONLY)
        if how == "closed":
            self.close_reader()

    def close_reader(self) -> None:
        if self.reader is not None:
            os.close(self.reader)
            self.reader = None

    def close(self) -> None:
        self.close_reader()
        os.close(self.writer)


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("how", ["closed", "full", "never read"])
def test_a_log_that_cannot_be_written_decides_nothing(tmp_path: Path, how: str, level: str) -> None:
    log = Log(how)
    child = subprocess.Popen(
        [
            QUESTKEEP,
            "serve",
            "--placement",
            "local",
            "--port",
            "0",
            "--log-level",
            level,
            "--drain-seconds",
            str(DRAIN_SECONDS),
        ],
        cwd=tmp_path,
        env=environment(),
        stdout=log.writer,
        stderr=log.writer,
    )
    try:
        client = Client(
            until(lambda: url_in_lock(tmp_path)),
            token(tmp_path, environment(), "--service", "game"),
        )
        until(lambda: client.get("/readyz").status_code == 200)
        for number in range(1_000):
            client.send(f"u{number % 10}", GRANT, amount=1)
        client.close()
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_SECONDS) == 0
    finally:
        child.kill()
        child.wait()
        log.close()
    assert snapshots(tmp_path) == {f"u{number}" for number in range(10)}
