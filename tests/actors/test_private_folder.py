"""Private temporary folders: where they fit, who can enter, and what becomes of a dead one's."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from actors import private_folder
from actors.private_folder import (
    MARK,
    PREFIX,
    SOCKET_PATH_BYTES_MAX,
    NoFolder,
    PrivateFolder,
)
from tests.processes_kit import alive, gone, until

SOCKET_BYTES = 30


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place of this machine, with a path that is short enough."""
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(private_folder, "_PLACES", (str(short),))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    yield short
    subprocess.run(["rm", "-rf", short], check=True)


def test_nobody_else_can_enter_and_nothing_is_left(place: Path) -> None:
    folder = PrivateFolder.make(SOCKET_BYTES)
    assert folder.path.parent == place
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "inner").mkdir()
    folder.remove()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("what", ["missing", "a file", "too long", "unset"])
def test_a_place_that_does_not_fit_is_passed_over(what: str, place: Path, tmp_path: Path) -> None:
    long = tmp_path / ("long-directory-name-of-a-build-agent" * 3)
    long.mkdir()
    (tmp_path / "file").touch()
    preferred = {
        "missing": str(tmp_path / "missing"),
        "a file": str(tmp_path / "file"),
        "too long": str(long),
        "unset": None,
    }[what]
    folder = PrivateFolder.make(SOCKET_BYTES, preferred)
    assert folder.path.parent == place
    assert len(os.fsencode(folder.path)) + SOCKET_BYTES <= SOCKET_PATH_BYTES_MAX
    assert list(long.iterdir()) == []
    folder.remove()


def test_where_nothing_fits_each_place_is_named_with_its_reason(
    place: Path, tmp_path: Path
) -> None:
    with pytest.raises(NoFolder) as refused:
        PrivateFolder.make(SOCKET_PATH_BYTES_MAX, str(tmp_path / "missing"))
    assert f"{tmp_path / 'missing'} (No such file or directory)" in str(refused.value)
    assert f"{place} (its path is too long for sockets)" in str(refused.value)


def test_a_full_disk_is_passed_over(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_folder, "FREE_BYTES_MIN", 2**62)
    with pytest.raises(NoFolder, match="No space left on device"):
        PrivateFolder.make(SOCKET_BYTES)


def test_what_a_killed_process_left_is_removed_by_the_next_and_a_living_ones_is_not(
    place: Path,
) -> None:
    living = PrivateFolder.make(SOCKET_BYTES)
    make_and_wait = (
        "import sys; from actors.private_folder import PrivateFolder; "
        f"print(PrivateFolder.make({SOCKET_BYTES}, sys.argv[1]).path, flush=True); "
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", make_and_wait, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        PrivateFolder.make(SOCKET_BYTES).remove()
        assert theirs.exists()
        process.send_signal(signal.SIGKILL)
    PrivateFolder.make(SOCKET_BYTES).remove()
    assert not theirs.exists()
    assert living.path.exists()


@pytest.mark.parametrize("ended_by", ["remove", "leave", "the next"])
def test_processes_that_belong_to_a_folder_end_with_it(ended_by: str, place: Path) -> None:
    folder = PrivateFolder.make(SOCKET_BYTES)
    # Started by a process that is gone: a descendant of nobody who knows it.
    orphan = "import os; os.fork() and os._exit(0); print(os.getpid(), flush=True); input()"
    waiting = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", orphan], cwd=folder.cwd, **waiting) as theirs:
        assert theirs.stdout is not None
        pid = int(theirs.stdout.readline())
        with subprocess.Popen([sys.executable, "-c", orphan], **waiting) as others:
            assert others.stdout is not None
            spared = int(others.stdout.readline())
            if ended_by == "the next":
                os.close(folder._lock)  # as the kernel does for a process that was killed
                PrivateFolder.make(SOCKET_BYTES).remove()
            else:
                getattr(folder, ended_by)()
            until(lambda: gone([pid]))
            assert alive(spared)


def test_a_folder_that_was_left_to_be_looked_at_is_removed_by_the_next(place: Path) -> None:
    left = PrivateFolder.make(SOCKET_BYTES)
    left.leave()
    PrivateFolder.make(SOCKET_BYTES).remove()
    assert not left.path.exists()


def test_other_peoples_folders_stay_whatever_they_are_called(place: Path) -> None:
    theirs = [place / f"{PREFIX}their-own", place / "questkeep-data"]
    for path in theirs:
        path.mkdir()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / MARK).touch()
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    PrivateFolder.make(SOCKET_BYTES).remove()
    assert all(path.exists() for path in theirs)
    assert (elsewhere / MARK).exists()
