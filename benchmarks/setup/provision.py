"""Provisioning: fetches what the peers run on: pinned packages into `.bench/`, servers from Debian.

Not for: Questkeep's own packages (`make setup`).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from benchmarks.setup.processes import BENCH, PYTHON

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
WORKERD = "workerd@1.20261117.1"
WORKERD_BINARY = BENCH / "node" / "node_modules" / ".bin" / "workerd"


class Unavailable(Exception):
    """This peer cannot be had on this machine; the message says what is missing."""


@cache
def python_packages() -> None:
    """The peers' Python, `.bench/venv`, made anew whenever the pins change."""
    stamp = BENCH / "venv" / "requirements.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    _apply("the peers' Python packages into .bench/venv")
    _run([sys.executable, "-m", "venv", "--clear", str(BENCH / "venv")])
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run([*pip, "-r", str(REQUIREMENTS)])
    stamp.write_text(wanted, encoding="utf-8")


@cache
def workerd() -> Path:
    """The workerd binary, from npm."""
    stamp = BENCH / "node" / "installed"
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == WORKERD):
        if shutil.which("npm") is None:
            debian_packages("npm")
        _apply(f"{WORKERD} into .bench/node")
        folder = str(BENCH / "node")
        _run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", WORKERD])
        stamp.write_text(WORKERD, encoding="utf-8")
    return WORKERD_BINARY


def debian_packages(*names: str) -> None:
    """Install Debian packages without starting their services.

    Raises:
        Unavailable: there is no apt-get, or no right to use it.
    """
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise Unavailable(f"not a Debian system: install {' '.join(names)} by hand")
    as_root: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or not _succeeds(["sudo", "-n", "true"]):
            raise Unavailable(f"needs packages that only root can install: {command}")
        as_root = ["sudo", "-n"]
    _apply(f"Debian packages: {' '.join(names)}")
    # RUNLEVEL=1: package scripts then leave the system's own services stopped.
    quiet = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq"]
    _run([*quiet, "update"])
    _run([*quiet, "install", "-y", "--no-install-recommends", *names])


def program(name: str, package: str, folders: Iterable[Path] = ()) -> Path:
    """Where a program is, installing its Debian package when it is nowhere.

    Raises:
        Unavailable: it cannot be installed.
    """
    found = _find(name, folders)
    if found is None:
        debian_packages(package)
        found = _find(name, folders)
    if found is None:
        raise Unavailable(f"{package} is installed, but has no {name}")
    return found


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def _succeeds(argv: list[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _apply(what: str) -> None:
    print(f"Installing {what} ...", file=sys.stderr, flush=True)


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        end = done.stdout.decode("utf-8", "replace")[-1500:]
        raise Unavailable(f"{' '.join(argv[:6])} ... failed with {done.returncode}:\n{end}")
