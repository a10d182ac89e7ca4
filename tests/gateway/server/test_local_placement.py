"""`--placement local` as people start it: one process without Ray, and the same promises."""

import json
import secrets
import signal
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from gateway.server.serve import EXIT_TAKEN_OVER
from tests.end_to_end.server_kit import Client, Server
from tests.processes_kit import PATIENCE_SECONDS
from tests.s3_kit import new_bucket

pytestmark = pytest.mark.slow

GRANT = "grant_player_progression_experience"
WRITERS = 4
ACKNOWLEDGED_MIN = 20


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """A store's URL, and the variables it needs."""
    if request.param == "file":
        return (tmp_path / "store").as_uri(), {}
    address = request.getfixturevalue("s3")
    return new_bucket(address), access(address)


def access(address: str) -> dict[str, str]:
    """How a process finds the S3 server there."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(8),
        "AWS_REGION": "us-east-1",
    }


class Writer(threading.Thread):
    """Sends one command after the other until the server is gone; counts what was acknowledged."""

    def __init__(self, client: Client, user_id: str) -> None:
        super().__init__()
        self.user_id = user_id
        self.acknowledged = 0
        self.enough = threading.Event()
        self._client = client

    def run(self) -> None:
        try:
            while True:
                self._client.send(self.user_id, GRANT, f"c{self.acknowledged}", amount=1)
                self.acknowledged += 1
                if self.acknowledged >= ACKNOWLEDGED_MIN:
                    self.enough.set()
        except httpx.TransportError:
            return


@pytest.mark.kills
def test_kill_9_and_a_restart_lose_nothing_that_was_acknowledged(
    store: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    url, variables = store
    options = ("--placement", "local", "--store", url)
    acknowledged = dict.fromkeys((f"u{number}" for number in range(WRITERS)), 0)
    server = Server(tmp_path, *options, **variables)
    try:
        writers = [Writer(server.client("--service", user), user) for user in acknowledged]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.enough.wait()
        server.process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join()
            acknowledged[writer.user_id] = writer.acknowledged
    finally:
        server.end()
    again = Server(tmp_path, *options, **variables)
    try:
        service = again.client("--service", "audit")
        for user_id, count in acknowledged.items():
            row = service.get(f"/v1/users/{user_id}/progression").json()
            # The one that was on its way may have been kept, too.
            assert row["version"] in (count, count + 1)
            assert row["player_progression"]["total_xp"] == row["version"]
            assert service.send(user_id, GRANT, f"c{count - 1}", amount=1)["replayed"]
        assert again.stop() == 0
    finally:
        again.end()


def test_it_is_one_process_without_ray_that_drains_and_is_the_store_s_only_one(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, "--placement", "local")
    try:
        running = psutil.Process(server.process.pid)
        assert running.children(recursive=True) == []
        mapped = {one.path for one in running.memory_maps()}
        assert mapped
        assert not any("/site-packages/ray/" in path for path in mapped)
        service = server.client("--service", "game")
        service.send("alice", GRANT, amount=500)
        assert server.stop() == 0
    finally:
        server.end()
    written = (tmp_path / "data" / "snapshots").rglob("*.snapshot")
    snapshots = [path for path in written if "%2B" not in path.name]
    assert len(snapshots) == 1
    assert not list((tmp_path / "data" / "journals" / "local").rglob("*.journal"))


def test_one_whose_bucket_another_server_takes_over_ends_by_itself_and_says_so(
    s3: str, tmp_path: Path
) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    options = ("--placement", "local", "--store", new_bucket(s3))
    first = Server(folders[0], *options, **access(s3))
    second = None
    try:
        first.client("--service", "game").send("alice", GRANT, "c1", amount=1)
        second = Server(folders[1], *options, **access(s3))
        assert first.process.wait(PATIENCE_SECONDS) == EXIT_TAKEN_OVER
        assert "another server has taken over" in first.log()
        answer = second.client("--service", "game").send("alice", GRANT, "c1", amount=1)
        assert answer["replayed"]
    finally:
        first.end()
        if second is not None:
            second.end()


def test_in_memory_nothing_is_kept_and_nothing_is_written(tmp_path: Path) -> None:
    server = Server(tmp_path, "--placement", "local", "--store", "memory://")
    try:
        service = server.client("--service", "game")
        assert service.send("alice", GRANT, amount=500)["version"] == 1
        assert service.send("alice", GRANT, "c2", amount=500)["version"] == 2
        assert json.loads(service.get("/readyz").text) == {"status": "ready"}
        assert server.stop() == 0
    finally:
        server.end()
    assert not (tmp_path / "data").exists()
