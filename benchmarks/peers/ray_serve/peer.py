"""The naive reading of "an actor per user" on Ray Serve.

Only on a machine where no other Ray runs: `ray.init("auto")`, in whatever program, joins any Ray
that it finds among the processes, this one included, and both would be measured and disturbed.

Few users: each is a process of its own, and a machine of two cores starts two of them a second.
"""

from pathlib import Path

from benchmarks.peers.contract import Setting
from benchmarks.peers.over_http import OverHttp
from benchmarks.setup import provision
from benchmarks.setup.processes import PYTHON, free_port
from benchmarks.setup.provision import Unavailable
from benchmarks.users.dataset import ENVIRONMENT_KEY, Dataset

START_SECONDS = 180.0


class RayServe(OverHttp):
    """FastAPI as a Serve ingress, a Ray actor for each user, a synced file for each actor."""

    name = "ray_serve"
    title = "Ray Serve, an actor per user (8 users)"
    settings = (Setting("replicas=1", {"replicas": "1"}), Setting("replicas=2", {"replicas": "2"}))
    users = 8
    rate = 1_000
    front = "ray-serve"
    batch_rate = 0

    def install(self) -> None:
        """The peers' Python, which has Ray."""
        provision.python_packages()

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A Ray of its own with Serve on it, then every user's actor.

        Raises:
            Unavailable: a Ray is running on this machine already.
        """
        if other_ray_runs():
            raise Unavailable("another Ray is running on this machine; stop it first")
        servers = self.open_servers(self.name)
        port = free_port()
        servers.start(
            "ray-serve",
            [
                PYTHON,
                "-m",
                "benchmarks.peers.ray_serve.app",
                str(port),
                setting.options["replicas"],
            ],
            {
                ENVIRONMENT_KEY: dataset.text(),
                "QUESTKEEP_BENCH_FOLDER": str(servers.folder),
                "RAY_DISABLE_IMPORT_WARNING": "1",
                "RAY_USAGE_STATS_ENABLED": "0",
            },
        )
        return self.serving(servers, f"http://127.0.0.1:{port}", START_SECONDS)

    def version(self) -> str:
        """As pinned."""
        text = provision.REQUIREMENTS.read_text(encoding="utf-8")
        return next(line for line in text.splitlines() if line.startswith("ray"))


def other_ray_runs() -> bool:
    """Whether some process on this machine is a Ray cluster's control service."""
    return any(_program(folder).endswith(b"/gcs_server") for folder in Path("/proc").glob("[0-9]*"))


def _program(folder: Path) -> bytes:
    """What a process was started as; empty when it has gone meanwhile."""
    try:
        return (folder / "cmdline").read_bytes().partition(b"\0")[0]
    except OSError:
        return b""
