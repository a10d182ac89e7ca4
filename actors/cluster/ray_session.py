"""One Ray session: started here or joined, watched, and left.

Whatever Ray raises while it starts becomes one `ClusterError` here, which says what to do.  A Ray
that is started here keeps its files in a private folder, listens with a token, and ends with this
process, also with one that is killed.

Not for: the actors in it (`ray_runtime`).
"""

import logging
import os
import socket
from pathlib import Path
from textwrap import shorten
from typing import Any

import ray
import ray._private.state
import ray._private.worker
import ray.exceptions
import structlog
from ray._private.authentication.authentication_utils import is_token_auth_enabled
from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]
from ray.core.generated import common_pb2, gcs_pb2

from actors.cluster.ray_environment import (
    check_authentication,
    environment_for_ray,
    preferred_place,
    working_folder,
)
from actors.errors import ClusterError
from actors.logs.host_events import relay
from actors.private_folder import SOCKET_PATH_BYTES_MAX, NoFolder, PrivateFolder

log = structlog.get_logger(__name__)

LOCAL, AUTO = "local", "auto"
STARTS = 2
"""A start that Ray gave up is tried once more: a busy machine often has air again by then."""
SOCKET_BYTES = len("/ray/session_2026-01-31_23-59-59_999999_4194304/sockets/plasma_store")
"""The longest path of a socket that Ray makes below the folder it is given."""
PLACE_BYTES_MAX = SOCKET_PATH_BYTES_MAX - SOCKET_BYTES - len("/qk-12345678")
NO_DETAIL = "Worker unexpectedly exits with a connection error"
MESSAGE_CHARACTERS_MAX = 250
OBJECT_STORE_BYTES = 80 * 1024 * 1024
"""The least that Ray takes; our messages are never put into it."""
SHARED_MEMORY = Path("/dev/shm")
# Imported by workers before they have anything to do: whose names mean what, then what hosts need.
PRELOADED = ("questkeep_launcher", "actors.cluster.host_actor")
VITAL = frozenset({"gcs_server", "raylet"})
"""Without these Ray is none; without the others only its own tools miss something."""


class RaySession:
    """This process's part in a Ray cluster.

    Attributes:
        joined: others started the cluster; it stays when this process goes.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.joined = False
        self._folder: PrivateFolder | None = None
        self._missed: set[str] = set()

    def begin(self) -> None:
        """Join the cluster at the address, or start one; seconds.

        Raises:
            ClusterError: it cannot be reached or started, and what to do about it.
        """
        check_authentication(own=self.address == LOCAL)
        ray._private.worker.print_to_stdstream = _log_message  # type: ignore[assignment]
        try:
            if self.address != LOCAL and self._join():
                self.joined = True
                return
            check_authentication(own=True)
            self._start()
        except NoFolder as error:
            raise ClusterError(
                f"Ray finds no place for its temporary files: {error}. Set RAY_TMPDIR to a folder "
                f"that can be written, with a path of at most {PLACE_BYTES_MAX} characters."
            ) from error

    def _join(self) -> bool:
        """False where there is none and one may be started."""
        folder = PrivateFolder.make(0)
        try:
            with working_folder(folder.cwd):
                ray.init(address=self.address, **_common())
            self._folder = folder
            return True
        except Exception as error:
            folder.remove()
            if self.address == AUTO and isinstance(error, ConnectionError):
                return False
            raise ClusterError(
                f"Ray at {self.address!r} cannot be reached: {first_line(error)}. Does it run "
                "there, is this machine one of its nodes, and has this process its token "
                "(RAY_AUTH_MODE=token and ~/.ray/auth_token)?"
            ) from error

    def _start(self) -> None:
        for left in reversed(range(STARTS)):
            folder = PrivateFolder.make(SOCKET_BYTES, preferred_place())
            try:
                with working_folder(folder.cwd), environment_for_ray(folder.path):
                    _start_in(folder.path)
                self._folder = folder
                return
            except Exception as error:  # Ray raises bare ones
                ray.shutdown()
                folder.leave()
                if not left:
                    raise ClusterError(_why_not(error, folder.path)) from error
                log.warning("Ray did not start and is tried once more", reason=first_line(error))

    @property
    def asks_for_token(self) -> bool:
        """Whether nobody gets into the cluster without its token."""
        return bool(is_token_auth_enabled())

    def lost(self) -> str:
        """Why this process has no Ray any more; empty while it has.  Takes no time."""
        node = ray._private.worker._global_node
        if node is None:
            return "Ray was left"
        for kind, process in node.dead_processes():
            reason = f"Ray's {kind} ended ({_exit_status(process.returncode)})"
            if kind in VITAL:
                return reason
            if kind not in self._missed:
                self._missed.add(kind)
                log.warning("a tool of Ray's ended; users are served on", reason=reason)
        if not _accepts(node.raylet_socket_name):
            return "Ray's raylet on this machine ended"
        return ""

    def why_ended(self, worker_id: str) -> str:
        """What Ray knows of a worker's end, as a phrase; empty if only that it has ended."""
        accessor = ray._private.state.state._global_state_accessor
        if accessor is None:
            return ""
        found = accessor.get_worker_info(ray.WorkerID.from_hex(worker_id))
        worker = gcs_pb2.WorkerTableData.FromString(found or b"")  # type: ignore[attr-defined]
        if worker.exit_type == common_pb2.NODE_OUT_OF_MEMORY:  # type: ignore[attr-defined]
            return "Ray's memory monitor ended it, because the machine is short of memory"
        if worker.exit_detail.startswith(NO_DETAIL):
            return ""
        return str(worker.exit_detail.partition(". ")[0])

    def end(self) -> None:
        """Leave the cluster; a Ray that was started here stops."""
        ray.shutdown()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def abandon(self) -> None:
        """Leave a Ray that is broken: at once, without asking it anything; its logs stay.

        The process had better end without Python's clean-up: Ray's would wait for what is gone.
        """
        if self._folder is not None:
            self._folder.leave()
            self._folder = None


def _start_in(folder: Path) -> None:
    AuthenticationTokenLoader.instance().reset_cache()  # a former session may have had another
    ray.init(
        address="local",
        include_dashboard=True,  # `ray list actors` asks it; loopback only
        dashboard_host="127.0.0.1",
        object_store_memory=OBJECT_STORE_BYTES,
        _plasma_directory=_plasma_directory(folder),
        _temp_dir=str(folder / "ray"),
        _system_config={
            "worker_niceness": 0,  # hosts must not yield to the gateway
            "preload_python_modules": list(PRELOADED),
        },
        **_common(),
    )


def _common() -> dict[str, Any]:
    return {"logging_level": logging.CRITICAL, "log_to_driver": True}


def _why_not(error: Exception, folder: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return (
            f"Ray could not start: {error.strerror}{where}. Its temporary files are below {folder};"
            " RAY_TMPDIR sets another place."
        )
    return (
        f"Ray did not start, tried {STARTS} times: {first_line(error)}. The machine may be too "
        f"busy or short of memory; Ray's own logs are below {folder}."
    )


def _log_message(printed: dict[str, Any], ignore_prefix: bool) -> None:
    """What Ray carries to this process goes into the log: what workers print, and its own words."""
    if str(printed["pid"]).isdigit():
        relay(printed["lines"], f"process {printed['pid']} on {printed['ip']}")
    elif printed["lines"]:
        message = shorten(" ".join(printed["lines"]), MESSAGE_CHARACTERS_MAX, placeholder=" …")
        level = logging.INFO if printed["is_err"] else logging.DEBUG
        log.log(level, "Ray says", part=printed["pid"], message=message)


def _plasma_directory(folder: Path) -> str | None:
    """Where Ray's object store is; None leaves it in shared memory, where there is enough."""
    try:
        room = os.statvfs(SHARED_MEMORY)
    except OSError:
        return str(folder)
    enough = room.f_bavail * room.f_frsize > OBJECT_STORE_BYTES
    return None if enough and os.access(SHARED_MEMORY, os.W_OK) else str(folder)


def first_line(error: BaseException) -> str:
    """What an exception says, as part of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return shorten(line, MESSAGE_CHARACTERS_MAX, placeholder=" …").rstrip(".")


def _exit_status(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"signal {-returncode}"
    return f"exit code {returncode}"


def _accepts(socket_path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(socket_path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # too busy to say
        return True
