"""What Ray takes from the environment, and what its processes are to find there.

Ray's processes inherit this one's environment and working folder at the moment it is started: for
that moment they are what is right for them.  Nothing of ours is read from here.

Not for: starting it (`ray_session`).
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from actors.errors import ClusterError

_AUTH_MODE = "RAY_AUTH_MODE"
_TOKEN = "RAY_AUTH_TOKEN"
_TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"
_PLACE = "RAY_TMPDIR"
_RECONNECT_SECONDS = "RAY_gcs_rpc_server_reconnect_timeout_s"
_NOT_FOR_RAY = ("PYTHONOPTIMIZE", "PYTHONWARNINGS", "RAY_REDIS_ADDRESS")
"""How Python treats docstrings and warnings, and where another cluster keeps its state: with some
values Ray's own processes do not start, or end this one without a word."""
RECONNECT_SECONDS = 60.0
"""Ray's own default."""


def preferred_place() -> str | None:
    """Where Ray was told to keep its temporary files, if it was."""
    return os.environ.get(_PLACE)


def reconnect_seconds() -> float:
    """How long Ray lets a process live without a head.

    Its own core reads the same variable; what is no number counts as not set there, too.
    """
    try:
        return float(os.environ.get(_RECONNECT_SECONDS, ""))
    except ValueError:
        return RECONNECT_SECONDS


def check_authentication(*, own: bool) -> None:
    """Refuse what would leave Ray open to anybody, or end this process without a word.

    Args:
        own: Ray is to be started here, not joined.

    Raises:
        ClusterError: what is set, and what to set instead.
    """
    mode = os.environ.get(_AUTH_MODE)
    if own and mode is not None and mode.lower() != "token":
        raise ClusterError(
            f"{_AUTH_MODE} is {mode!r}: without its token anybody who reaches Ray's ports can run "
            f"code here. Unset it, or set it to token."
        )
    path = os.environ.get(_TOKEN_PATH)
    if path and not os.environ.get(_TOKEN) and not _restrict(Path(path)):
        raise ClusterError(
            f"{_TOKEN_PATH} is {path!r}, where no token can be read: unset it, or name a file "
            "with Ray's token in it."
        )


@contextmanager
def working_folder(folder: Path) -> Iterator[None]:
    """While Ray is joined or started: be in `folder`, which has no code in it.

    Workers put the folder their driver was in before everything else on their import path, and the
    current one may have any code in it.
    """
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextmanager
def environment_for_ray(folder: Path) -> Iterator[None]:
    """While Ray starts: its temporary files in `folder`, its token readable for this user alone.

    What developers set for Python's own sake, or for another cluster, is not there for its
    processes.

    Args:
        folder: a private one.
    """
    changed = {"TMPDIR": str(folder), **dict.fromkeys(_NOT_FOR_RAY), **_token(folder)}
    before = {name: os.environ.get(name) for name in changed}
    _put(changed)
    try:
        yield
    finally:
        _put(before)


def _put(variables: Mapping[str, str | None]) -> None:
    """Set variables of this process; None unsets one."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _token(folder: Path) -> dict[str, str]:
    """The variable that names Ray's token, where Ray would not find or make it by itself.

    It is the user's own, so that Ray's commands find it too; without a home it is the server's.
    """
    if os.environ.get(_TOKEN) or os.environ.get(_TOKEN_PATH):
        return {}
    try:
        path = Path.home() / ".ray" / "auth_token"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write_token(path)
    except FileExistsError:
        if _restrict(path):
            return {}
    except (OSError, RuntimeError):
        pass  # no home, or none that can be written
    else:
        return {}
    path = folder / "token"
    _write_token(path)
    return {_TOKEN_PATH: str(path)}


def _write_token(path: Path) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))


def _restrict(path: Path) -> bool:
    """Make a token's file readable for its owner alone; False where there is no token in it.

    What holds no token (an empty file, `/dev/null`) keeps its mode.
    """
    try:
        token = path.read_text().strip()
        if token and path.stat().st_mode & 0o077 and path.stat().st_uid == os.geteuid():
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError):
        return False
    return bool(token)
