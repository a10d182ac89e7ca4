"""How a Python application is served: uvicorn or granian, one worker or two, each at its fastest.

Not for: the applications (`peers/*/app.py`).
"""

from pathlib import Path

from benchmarks.peers.contract import Setting
from benchmarks.setup.processes import PYTHON

SERVERS = [
    {"server": "granian", "workers": "2"},
    {"server": "uvicorn", "workers": "2"},
    {"server": "granian", "workers": "1"},
    {"server": "uvicorn", "workers": "1"},
]


def with_servers(**options: str) -> list[Setting]:
    """A setting with these options for each server and number of workers."""
    words = " ".join(f"{name}={value}" for name, value in options.items())
    return [
        Setting(f"{one['server']} x{one['workers']} {words}".rstrip(), {**one, **options})
        for one in SERVERS
    ]


def command(app: str, setting: Setting, port: int) -> list[str | Path]:
    """The command line that serves `app` ("module:name") on loopback.

    uvicorn with httptools and uvloop, granian with uvloop; both without an access log.
    """
    workers = setting.options["workers"]
    common: list[str | Path] = [app, "--host", "127.0.0.1", "--port", str(port)]
    common += ["--workers", workers]
    if setting.options["server"] == "uvicorn":
        loop = ["--loop", "uvloop", "--http", "httptools", "--ws", "none"]
        quiet = ["--no-access-log", "--log-level", "warning", "--no-server-header"]
        return [PYTHON, "-m", "uvicorn", *common, *loop, *quiet]
    loop = ["--interface", "asgi", "--loop", "uvloop", "--http", "1", "--no-ws"]
    return [PYTHON, "-m", "granian", *common, *loop, "--log-level", "warning"]
