"""What is in `deploy/` fits the server: its settings exist, its times suffice, systemd takes it.

Not for building the image: that needs a registry.
"""

import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import psutil
import pytest

from gateway.options import OPTIONS, variable
from gateway.server.serve import EXIT_TAKEN_OVER
from gateway.server.stop import LEAVE_SECONDS
from gateway.settings import Settings
from tests.end_to_end.server_kit import QUESTKEEP, Server

ROOT = Path(__file__).parent.parent
UNIT = (ROOT / "deploy" / "questkeep.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SECRET = "a secret that only these tests have, 48 bytes ..."
EXPOSURE_MAX = 25
"""Of `systemd-analyze security`, in tenths: 19 as it is written."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here"
)


def directives(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, flags=re.MULTILINE)


def unit_environment() -> dict[str, str]:
    return dict(line.split("=", 1) for line in directives("Environment"))


def image_environment() -> dict[str, str]:
    [block] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(re.findall(r"(QUESTKEEP_\w+)=(\S+)", block))


@pytest.mark.parametrize(
    "environment", [unit_environment(), image_environment()], ids=["unit", "image"]
)
def test_every_variable_is_a_setting_and_its_value_fits(environment: dict[str, str]) -> None:
    names = {variable(name): name for name in OPTIONS}
    assert len(environment) >= 4
    assert set(environment) <= set(names)
    Settings(**{names[name]: value for name, value in environment.items()})


def test_systemd_and_probes_wait_as_long_as_a_stop_takes() -> None:
    [limit] = directives("TimeoutStopSec")
    needed = Settings().drain_seconds + LEAVE_SECONDS
    assert int(limit) > needed
    assert directives("RestartPreventExitStatus") == [str(EXIT_TAKEN_OVER)]
    assert directives("KillMode") == ["mixed"], "the server ends its own processes"
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE
    assert 'ENTRYPOINT ["questkeep"]' in DOCKERFILE, "a shell would keep the signals"


@needs_systemd
def test_systemd_takes_the_unit_and_finds_it_hard(tmp_path: Path) -> None:
    unit = tmp_path / "questkeep.service"
    unit.write_text(UNIT.replace("/opt/questkeep/bin/questkeep", str(QUESTKEEP)))
    for arguments in (
        ["verify", str(unit)],
        ["security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(unit)],
    ):
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


def test_the_image_is_given_everything_that_the_package_is_built_from() -> None:
    allowed = [line.removeprefix("!") for line in IGNORED if line.startswith("!")]
    tools = PROJECT["tool"]["setuptools"]
    wanted = [
        "pyproject.toml",
        "constraints.txt",
        PROJECT["project"]["readme"],
        *PROJECT["project"]["license-files"],
        *(f"{module}.py" for module in tools["py-modules"]),
        *(pattern.rstrip("*") for pattern in tools["packages"]["find"]["include"]),
    ]
    assert IGNORED[0] == "*"
    assert [name for name in wanted if not any(fnmatch(name, line) for line in allowed)] == []
    assert [name for name in allowed if not (ROOT / name).exists()] == []


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_the_unit_s_command_serves_and_stops_as_the_unit_says(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").write_text(SECRET)
    variables = {
        name: value.replace("%d", str(tmp_path)).replace("/var/lib/questkeep", str(tmp_path))
        for name, value in unit_environment().items()
    }
    [mask] = directives("UMask")
    before = os.umask(int(mask, 8))
    try:
        server = Server(tmp_path, HOME=str(tmp_path), **variables)
    finally:
        os.umask(before)
    try:
        others = psutil.Process(server.process.pid).children(recursive=True)
        assert others, "Ray's processes"
        assert server.stop() == 0
        _, left = psutil.wait_procs(others, timeout=20)
        assert left == []
    finally:
        server.end()
    readable = [path for path in (tmp_path / "store").rglob("*") if path.lstat().st_mode & 0o077]
    assert readable == []
    assert (tmp_path / "server.log").read_text() == ""
