"""The Python client's page: every block of code runs, as it stands, against a server."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from questkeep_testing.server import LocalServer

ROOT = Path(__file__).parents[2]
README = ROOT / "clients" / "python" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
LIVE, GAME, PLAYER, GAME_SERVER, SYNC = range(5)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def block(number: int) -> dict[str, Any]:
    """What a block of the page defines."""
    assert len(BLOCKS) == 5
    module: dict[str, Any] = {"__name__": "readme"}
    exec(compile(BLOCKS[number], str(README), "exec"), module)
    return module


async def test_the_first_programs_show_a_level_over_a_servers_death(
    server: LocalServer, capsys: pytest.CaptureFixture[str]
) -> None:
    watch, pay = block(LIVE)["watch"], block(GAME)["pay"]
    watching = asyncio.create_task(watch(server.token("alice"), server.url, until_level=4))
    await pay(server.service_token(), "q-1", server.url)
    await asyncio.to_thread(server.kill)
    await pay(server.service_token(), "q-2", server.url)
    await watching
    printed = capsys.readouterr().out
    assert "reached level 3" in printed
    assert "reached level 4" in printed


async def test_a_players_program_runs(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.seed("alice", level=2)
    await block(PLAYER)["play"](server.url, server.token("alice"))


async def test_a_game_servers_program_runs(server: LocalServer) -> None:
    await block(GAME_SERVER)["wolf_defeated"](server.url, server.service_token(), ["alice", "bob"])
    assert server.read("alice")["quest_record"][0]["quest_id"] == "q-1"


def test_the_pages_programs_pass_a_strict_type_check(tmp_path: Path) -> None:
    for number, content in enumerate(BLOCKS):
        (tmp_path / f"block_{number}.py").write_text(content, encoding="utf-8")
    options = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", "cache"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, sorted(tmp_path.glob("*.py")))]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_program_without_await_runs(server: LocalServer) -> None:
    assert block(SYNC)["grant"](server.url, server.service_token()) == 1
