"""The Python client's wheel in an empty environment: what its page says first, run there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from questkeep_testing.server import LocalServer
from tests.clients import typescript_kit

pytestmark = [pytest.mark.slow, pytest.mark.campaign, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients" / "python"
URL = "http://127.0.0.1:8080"
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")
REST = """
import asyncio, sys
import game_server, without_await
url, token = sys.argv[1:]
asyncio.run(game_server.wolf_defeated(url, token, ["bob", "carol"]))
print("version", without_await.grant(url, token) > 1)
"""


def test_its_wheel_runs_the_page_in_an_empty_environment(tmp_path: Path) -> None:
    python = installed(tmp_path)
    blocks = re.findall(
        r"```python\n(.*?)```", (SOURCE / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(blocks) == 5
    with LocalServer() as server:
        names = ("live", "game", "player", "game_server", "without_await")
        for name, block in zip(names, blocks, strict=True):
            path = tmp_path / f"{name}.py"
            path.write_text(block.replace(URL, server.url), encoding="utf-8")
        (tmp_path / "rest.py").write_text(REST, encoding="utf-8")
        with subprocess.Popen(
            (python, "-u", "live.py", server.token("alice")),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        ) as live:
            assert live.stdout is not None
            assert live.stdout.readline() == "level 1\n"
            token = server.service_token()
            paid = typescript_kit.run(python, "game.py", token, "q-1", folder=tmp_path)
            assert paid == "alice is at version 2\n"
            assert live.stdout.read().splitlines()[-1] == "reached level 3"
        assert live.returncode == 0
        rest = typescript_kit.run(python, "rest.py", server.url, token, folder=tmp_path)
    assert rest.splitlines()[0] == "2 done, 0 refused"
    assert rest.splitlines()[-1] == "version True"


def installed(folder: Path) -> Path:
    """The Python of a new environment with the wheel and what it needs, and nothing of ours."""
    wheels = folder / "wheels"
    source = shutil.copytree(SOURCE, folder / "source")  # building leaves files behind
    build = (*PIP, "wheel", "--no-deps", "--wheel-dir", wheels, source)
    typescript_kit.run(sys.executable, *map(str, build), folder=folder)
    typescript_kit.run(sys.executable, "-m", "venv", "empty", folder=folder)
    python = folder / "empty" / "bin" / "python"
    install = (*PIP, "install", "-c", ROOT / "constraints.txt", *wheels.iterdir())
    done = subprocess.run((python, *install), capture_output=True, text=True, cwd=folder)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"what it needs could not be installed: {done.stderr[-500:]}")
    assert done.returncode == 0, done.stderr
    return python
