"""Surroundings that nobody wants to start a server in: it starts all the same, or says what to set.

Each is one that somebody had.  Those it starts in are gathered into few starts, because each takes
a Ray; one that breaks them all is found by leaving out the others.  What Ray raises when it cannot
start at all is in `tests/actors/cluster/test_ray_start.py`.
"""

import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from questkeep_launcher import PACKAGES
from tests.end_to_end.server_kit import QUESTKEEP, Server, environment
from tests.processes_kit import gone, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

SECRET = "a secret that only these tests have, 48 bytes ..."
DASHBOARD_PORT = 8265
# Modules that Ray's workers and ours import late, when a worker's import path is Ray's to set.
LIBRARIES = ("random", "queue", "uuid", "msgpack", "structlog")


class Surroundings:
    """Where and how the server is started.

    Attributes:
        folder: the current one.
        variables: its environment, on top of the caller's.
        prefix: a command that runs it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.prefix: list[str] = []
        self.options: list[str] = []
        self.held: list[socket.socket] = []


Apply = Callable[[Surroundings], None]


def our_names_in_the_current_folder(here: Surroundings) -> None:
    lay_out(here.folder, (*PACKAGES, *LIBRARIES))


def names_of_modules_on_pythonpath(here: Surroundings) -> None:
    for name in PACKAGES:
        lay_out(here.folder / "game" / name, ("__init__",))
    lay_out(here.folder / "game", (*LIBRARIES, "platform", "queue", "random"))
    here.variables["PYTHONPATH"] = f":{here.folder / 'game'}"  # the empty entry is the folder


def lay_out(folder: Path, names: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text(f"raise SystemExit('the game\\'s {name} was loaded')\n")


def a_long_temporary_folder(here: Surroundings) -> None:
    long = here.folder / ("long-directory-name-of-a-build-agent" * 3)
    long.mkdir()
    here.variables["TMPDIR"] = str(long)


def a_temporary_folder_that_cannot_be_written(here: Surroundings) -> None:
    here.variables["TMPDIR"] = here.variables["RAY_TMPDIR"] = "/proc"  # not even by root


def no_home(here: Surroundings) -> None:
    here.variables["HOME"] = "/nonexistent"


def a_home_that_cannot_be_written(here: Surroundings) -> None:
    here.variables["HOME"] = "/proc"


def proxies_that_do_not_answer(here: Surroundings) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy"):
        here.variables[name] = here.variables[name.upper()] = "http://127.0.0.1:9"


def a_taken_dashboard_port(here: Surroundings) -> None:
    taken = socket.socket()
    try:
        taken.bind(("127.0.0.1", DASHBOARD_PORT))
        taken.listen()
    except OSError:
        pass  # somebody has it already: all the better
    here.held.append(taken)


def another_cluster_in_the_environment(here: Surroundings) -> None:
    here.variables["RAY_ADDRESS"] = "127.0.0.1:9"


def few_open_files(here: Surroundings) -> None:
    here.prefix += ["prlimit", "--nofile=256:512"]


def no_unicode(here: Surroundings) -> None:
    here.variables |= {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}


def a_store_with_odd_letters(here: Surroundings) -> None:
    here.options += ["--store", (here.folder / "Ort der Spielstände 100%").as_uri()]


TOGETHER: list[tuple[str, list[Apply]]] = [
    (
        "packed",
        [
            our_names_in_the_current_folder,
            a_long_temporary_folder,
            no_home,
            proxies_that_do_not_answer,
            a_taken_dashboard_port,
            a_store_with_odd_letters,
        ],
    ),
    (
        "dedicated",
        [
            names_of_modules_on_pythonpath,
            a_temporary_folder_that_cannot_be_written,
            a_home_that_cannot_be_written,
            another_cluster_in_the_environment,
            few_open_files,
            no_unicode,
        ],
    ),
]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Surroundings]:
    found = Surroundings(tmp_path)
    yield found
    for taken in found.held:
        taken.close()


@pytest.mark.parametrize(("placement", "surroundings"), TOGETHER, ids=[one for one, _ in TOGETHER])
def test_it_starts_serves_and_leaves_nothing_behind(
    placement: str, surroundings: list[Apply], here: Surroundings
) -> None:
    for apply in surroundings:
        apply(here)
    shared_before = rays_shared_folder()
    server = Server(
        here.folder,
        "--placement",
        placement,
        *here.options,
        prefix=here.prefix,
        QUESTKEEP_JWT_SECRET=SECRET,
        **here.variables,
    )
    try:
        check_that_it_serves(server)
        rays = below(server)
        folder = private_folder(rays)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert not any(SECRET in Path(f"/proc/{one.pid}/environ").read_text() for one in rays)
        assert server.stop() == 0
        assert server.log() == ""
    finally:
        server.end()
    until(lambda: gone([one.pid for one in rays]))
    assert not folder.exists()
    assert rays_shared_folder() == shared_before


def check_that_it_serves(server: Server) -> None:
    client = server.client("--service", "game")
    reply = client.send("alice", "grant_player_progression_experience", "c1", amount=5)
    assert reply["version"] == 1
    assert client.get("/readyz").status_code == 200


def below(server: Server) -> list[psutil.Process]:
    """Ray's processes and our hosts."""
    return psutil.Process(server.process.pid).children(recursive=True)


def private_folder(rays: list[psutil.Process]) -> Path:
    [folder] = {Path(one.cwd()).parent for one in rays}
    return folder


def rays_shared_folder() -> list[str]:
    """What is in the folder that all users of a machine would share."""
    folder = Path("/tmp/ray")
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def named_token_that_is_not_there(here: Surroundings) -> None:
    here.variables["RAY_AUTH_TOKEN_PATH"] = str(here.folder / "missing")


def a_current_folder_that_was_removed(here: Surroundings) -> None:
    here.folder = here.folder / "gone"
    here.folder.mkdir()
    here.prefix += ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh"]


def rays_authentication_switched_off(here: Surroundings) -> None:
    here.variables["RAY_AUTH_MODE"] = "disabled"


def nowhere_to_write(here: Surroundings) -> None:
    """Every place for temporary files is read-only, in a mount namespace of its own."""
    mounts = " && ".join(
        f"mount --bind {place} {place} && mount -o remount,ro,bind {place}"
        for place in ("/tmp", "/var/tmp", "/dev/shm")
    )
    here.prefix += ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    here.variables["TMPDIR"] = "/proc"
    # The current folder is Python's last resort; below /tmp it cannot be written either.
    if subprocess.run([*here.prefix, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")


REFUSED: list[tuple[Apply, str]] = [
    (named_token_that_is_not_there, "RAY_AUTH_TOKEN_PATH is '.*', where no token can be read"),
    (rays_authentication_switched_off, "RAY_AUTH_MODE is 'disabled'.* Unset it"),
    (a_current_folder_that_was_removed, "The current folder is gone: change to one that exists"),
    (nowhere_to_write, "Ray finds no place for its temporary files: .* Set RAY_TMPDIR"),
]


@pytest.mark.parametrize(
    ("apply", "sentence"), REFUSED, ids=lambda one: getattr(one, "__name__", "")
)
def test_it_is_refused_in_one_sentence_that_says_what_to_set(
    apply: Apply, sentence: str, here: Surroundings
) -> None:
    apply(here)
    with tempfile.TemporaryDirectory(dir=Path.home()) as home:
        done = subprocess.run(
            [*here.prefix, QUESTKEEP, "serve", "--port", "0", "--store", f"file://{home}/store"],
            cwd=here.folder,
            env={**environment(), "QUESTKEEP_JWT_SECRET": SECRET, **here.variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert re.search(sentence, line)
