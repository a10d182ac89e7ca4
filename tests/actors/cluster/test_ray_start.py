"""Whatever Ray raises when it starts, and whatever surrounds it: one sentence that says what to do.

No Ray is started here; real starts in hostile surroundings are in `tests/end_to_end`.
"""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import ray.exceptions

from actors import private_folder
from actors.cluster import ray_session
from actors.cluster.ray_environment import environment_for_ray, working_folder
from actors.cluster.ray_session import LOCAL, RaySession
from actors.errors import ClusterError


class FakeRay:
    """`ray.init`: raises each of `outcomes` in turn, then works; keeps what it was called with."""

    def __init__(self, *outcomes: BaseException) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[dict[str, Any]] = []
        self.folders: list[str] = []

    def init(self, **options: Any) -> None:
        self.calls.append(options)
        self.folders.append(os.getcwd())
        if self.outcomes:
            raise self.outcomes.pop(0)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ray_session.ray, "shutdown", lambda **_: None)
    monkeypatch.setattr(ray_session.ray._private.worker, "print_to_stdstream", None)


def begin(fake: FakeRay, monkeypatch: pytest.MonkeyPatch, address: str = LOCAL) -> RaySession:
    monkeypatch.setattr(ray_session.ray, "init", fake.init)
    session = RaySession(address)
    session.begin()
    return session


# What Ray has been seen to raise, and what else could come.
RAISED = [
    Exception("The current node timed out during startup. This could happen because …\nmore"),
    Exception("\nThe last 20 lines of dashboard.log (it contains the error message):\n…"),
    Exception(),
    RuntimeError("Failed to connect to GCS."),
    ValueError("The configured object store size (0.08 GB) exceeds /dev/shm size"),
    AssertionError(),
    KeyError("node_manager_port"),
    ConnectionError("no GCS"),
    TimeoutError("Timed out while waiting for GCS"),
    OSError(errno.EROFS, "Read-only file system", "/tmp/ray"),
    OSError("AF_UNIX path length cannot exceed 107 bytes: '/very/long'"),
    PermissionError(errno.EACCES, "Permission denied", "/tmp/ray/session_latest"),
    ray.exceptions.RaySystemError("System error: broken"),
    ray.exceptions.AuthenticationError("no token"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: f"{type(error).__name__}({error})"[:60])
@pytest.mark.parametrize("address", [LOCAL, "10.0.0.1:6379"])
def test_whatever_ray_raises_becomes_one_sentence(
    error: Exception, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError) as refused:
        begin(FakeRay(error, error), monkeypatch, address)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.startswith("Ray")
    assert len(sentence) < 500


def test_a_start_that_ray_gave_up_is_tried_once_more_in_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeRay(Exception("The current node timed out during startup"))
    session = begin(fake, monkeypatch)
    first, second = (Path(options["_temp_dir"]).parent for options in fake.calls)
    assert first != second
    assert (first.exists(), second.exists()) == (False, True)
    session.end()


def test_a_cluster_that_cannot_be_joined_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeRay(ConnectionError("refused"))
    with pytest.raises(ClusterError, match=r"'10\.0\.0\.1:6379' cannot be reached: refused"):
        begin(fake, monkeypatch, "10.0.0.1:6379")
    assert len(fake.calls) == 1


def test_auto_starts_a_ray_where_none_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRay(ConnectionError("Could not find any running Ray instance"))
    session = begin(fake, monkeypatch, "auto")
    assert [options["address"] for options in fake.calls] == ["auto", "local"]
    assert not session.joined
    session.end()


def test_the_workers_never_see_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = FakeRay()
    session = begin(fake, monkeypatch)
    joining = FakeRay()
    joined = begin(joining, monkeypatch, "10.0.0.1:6379")
    assert str(tmp_path) not in fake.folders + joining.folders
    assert Path.cwd() == tmp_path
    session.end()
    joined.end()


def test_a_current_folder_that_was_removed_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    begin(FakeRay(), monkeypatch).end()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"RAY_AUTH_MODE": "disabled"}, "RAY_AUTH_MODE is 'disabled'.*Unset it"),
        ({"RAY_AUTH_MODE": "k8s"}, "RAY_AUTH_MODE is 'k8s'"),
        ({"RAY_AUTH_TOKEN_PATH": "/nowhere/token"}, "/nowhere/token', where no token can be read"),
        ({"RAY_AUTH_TOKEN_PATH": "/dev/null"}, "/dev/null', where no token can be read"),
    ],
)
def test_surroundings_that_leave_ray_open_or_mute_are_refused_before_it_starts(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    fake = FakeRay()
    with pytest.raises(ClusterError, match=sentence):
        begin(fake, monkeypatch)
    assert fake.calls == []


def test_without_any_place_for_temporary_files_the_sentence_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(private_folder, "_PLACES", (str(tmp_path / "missing"),))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    monkeypatch.setenv("RAY_TMPDIR", "/proc/none")
    with pytest.raises(ClusterError, match=r"/proc/none \(.*Set RAY_TMPDIR to a folder"):
        begin(FakeRay(), monkeypatch)


def test_ray_tmpdir_is_where_the_files_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="t") as place:
        monkeypatch.setenv("RAY_TMPDIR", place)
        fake = FakeRay()
        session = begin(fake, monkeypatch)
        assert Path(fake.calls[0]["_temp_dir"]).parents[1] == Path(place)
        session.end()


@pytest.mark.parametrize("free", [0, 64 << 20, 1 << 40])
def test_the_object_store_is_in_shared_memory_where_there_is_enough(
    free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Room:
        f_bavail, f_frsize = free, 1

    monkeypatch.setattr(ray_session, "PrivateFolder", private_folder.PrivateFolder)
    monkeypatch.setattr(private_folder, "FREE_BYTES_MIN", 0)
    monkeypatch.setattr(os, "statvfs", lambda _: Room)
    fake = FakeRay()
    session = begin(fake, monkeypatch)
    folder = str(Path(fake.calls[0]["_temp_dir"]).parent)
    assert fake.calls[0]["_plasma_directory"] == (None if free == 1 << 40 else folder)
    session.end()


def test_a_machine_without_shared_memory_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ray_session, "SHARED_MEMORY", tmp_path / "missing")
    fake = FakeRay()
    session = begin(fake, monkeypatch)
    assert fake.calls[0]["_plasma_directory"] is not None
    session.end()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_rays_token_is_made_readable_for_its_owner_alone(tmp_path: Path) -> None:
    with environment_for_ray(tmp_path):
        assert "RAY_AUTH_TOKEN_PATH" not in os.environ
    token = tmp_path / "home/.ray/auth_token"
    assert (mode(token), mode(token.parent)) == (0o600, 0o700)
    before = token.read_text()
    token.chmod(0o644)
    with environment_for_ray(tmp_path):
        pass
    assert (mode(token), token.read_text()) == (0o600, before)


def test_what_is_set_for_developers_or_another_cluster_does_not_reach_rays_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "error",
        "RAY_REDIS_ADDRESS": "127.0.0.1:1",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    with environment_for_ray(tmp_path):
        assert not others.keys() & os.environ.keys()
    assert {name: os.environ[name] for name in others} == others


@pytest.mark.parametrize("home", ["missing", "a file"])
def test_without_a_home_the_token_is_the_servers_own(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    with environment_for_ray(tmp_path):
        token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
        assert (token.parent, mode(token)) == (tmp_path, 0o600)
    assert "RAY_AUTH_TOKEN_PATH" not in os.environ


def test_a_token_file_that_was_named_is_restricted_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token-of-mine"
    token.write_text("0" * 64)
    token.chmod(0o644)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    session = begin(FakeRay(), monkeypatch)
    assert (mode(token), token.read_text()) == (0o600, "0" * 64)
    session.end()


def test_what_holds_no_token_keeps_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.touch(mode=0o644)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(empty))
    with pytest.raises(ClusterError, match="no token can be read"):
        begin(FakeRay(), monkeypatch)
    assert mode(empty) == 0o644


def test_the_environment_is_as_before_once_ray_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/some/where")
    before = dict(os.environ)
    with environment_for_ray(tmp_path), working_folder(tmp_path):
        assert os.environ["TMPDIR"] == str(tmp_path)
    assert dict(os.environ) == before
