"""The TypeScript client's page: its code compiles strictly and does what it says."""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from questkeep_client import GrantExperience, OfferQuest, StartBattle
from questkeep_testing.server import LocalServer
from tests.clients import typescript_kit, vite_kit
from tests.processes_kit import until

pytestmark = [pytest.mark.kills, pytest.mark.slow, pytest.mark.timeout(400)]

HERE = Path(__file__).parent
QUESTKEEP = Path(sys.executable).with_name("questkeep")
STRICT = "--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck --noEmit"
FORM = "--jsx react-jsx --module esnext --moduleResolution bundler --target es2022"
LIBRARIES = "--lib es2022,dom,dom.iterable --types vite/client"
SERVER_URL = "http://127.0.0.1:8080"


def blocks(kind: str) -> list[str]:
    text = (typescript_kit.FOLDER / "README.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return found


def test_its_code_compiles_strictly_and_runs() -> None:
    folder = vite_kit.project("readme")
    sources = [("block", "ts", block) for block in blocks("ts")]
    sources += [("screen", "tsx", block) for block in blocks("tsx")]
    names = []
    for number, (name, suffix, block) in enumerate(sources):
        names.append(f"{name}{number}.{suffix}")
        (folder / names[-1]).write_text(block, encoding="utf-8")
    assert names == ["block0.ts", "block1.ts", "block2.ts", "screen3.tsx"]
    options = f"{STRICT} {FORM} {LIBRARIES}".split()
    typescript_kit.run(typescript_kit.tool("tsc"), *options, *names, folder=folder)
    to_modules = ("--out-extension:.js=.mjs", "--outdir=.")
    typescript_kit.run(typescript_kit.tool("esbuild"), *names[:3], *to_modules, folder=folder)
    modules = [folder / f"block{number}.mjs" for number in range(3)]
    with LocalServer() as server:
        server.seed("alice", OfferQuest("q-0", {"experience": 500}))
        server.seed("alice", StartBattle("b-1", {"hostile_id": "wolf", "level": 1}))
        tokens = (server.token("alice"), server.service_token())
        program = (*typescript_kit.node_command().split(), HERE / "readme_child.mjs")
        printed = typescript_kit.run(
            *program, server.url, *tokens, QUESTKEEP, *modules, folder=folder
        )
    level, experience, answers, tests = printed.splitlines()
    assert (level, experience) == ("level 2", "experience 500")
    assert re.fullmatch(r"version \d+, quest_not_found", answers)
    assert tests == "5 shown, {} confirmed, version 2"


async def test_twelve_lines_in_an_empty_folder_are_live_in_a_browser() -> None:
    [page] = blocks("html")
    [commands] = blocks("sh")
    assert len(page.splitlines()) == 12
    assert len(commands.splitlines()) == 2
    folder = await asyncio.to_thread(vite_kit.project, "first_steps")
    with vite(folder) as origin, LocalServer(allow_origins=(origin,)) as server:
        here = page.replace(SERVER_URL, server.url)
        (folder / "index.html").write_text(here, encoding="utf-8")
        async with vite_kit.opened(f"{origin}/#{server.token('alice')}") as opened:
            await expect(opened.locator("#level")).to_have_text("level 1")
            await asyncio.to_thread(server.seed, "alice", GrantExperience(500))
            await expect(opened.locator("#level")).to_have_text("level 2")
            await expect(opened.locator("#events")).to_contain_text("experience_granted")
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.seed, "alice", GrantExperience(5_000))
            await expect(opened.locator("#level")).not_to_have_text("level 2")


@contextmanager
def vite(folder: Path) -> Iterator[str]:
    """`npx vite` in the folder; the origin of its pages."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = typescript_kit.tool("vite", vite_kit.packages())
    options = f"--host 127.0.0.1 --port {port} --strictPort --force --logLevel error"
    process = subprocess.Popen((program, *options.split()), cwd=folder)
    origin = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"{origin}/@vite/client"))
        yield origin
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
