"""Both clients against a server as users start it: a `kill -9`, and a program of a few lines."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from questkeep_client import Changes, State, connect
from tests.clients import typescript_kit
from tests.end_to_end.server_kit import Server

pytestmark = [pytest.mark.kills, pytest.mark.slow, pytest.mark.timeout(200)]

VERSIONS = 60


def started(folder: Path, port: str = "0") -> Server:
    return Server(folder, "--placement", "local", "--port", port)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = started(tmp_path)
    yield server
    server.end()


async def test_a_killed_server_costs_nobody_a_version_and_no_command_runs_twice(
    tmp_path: Path,
) -> None:
    server = await asyncio.to_thread(started, tmp_path)
    url, port = server.url, server.url.rpartition(":")[2]
    service, player = server.token("--service", "game"), server.token("--user", "alice")
    try:
        async with connect(url, service) as game, connect(url, player, form="json") as me:
            told: list[int] = []

            async def watch() -> None:
                async for change in me.user().changes():
                    if isinstance(change, State):
                        assert not told or change.why == "first"
                    elif isinstance(change, Changes):
                        told.append(change.position.version)
                    if told and told[-1] == VERSIONS:
                        return

            await me.user().ready()
            watching = asyncio.create_task(watch())
            for number in range(VERSIONS):
                if number in (20, 40):
                    server.kill()
                    server = await asyncio.to_thread(started, tmp_path, port)
                await game.user("alice").grant_player_progression_experience(10)
            await watching
            assert told == list(range(1, VERSIONS + 1))
            assert me.user().progression.total_xp == 10 * VERSIONS
            everything = await game.user("alice").at(version=VERSIONS)
            assert everything["player_progression"]["total_xp"] == 10 * VERSIONS
    finally:
        server.end()


def test_typescript_is_live_in_a_few_lines(server: Server, tmp_path: Path) -> None:
    module = typescript_kit.built() / "dist" / "index.js"
    tokens = {who: server.token(f"--{kind}", who) for kind, who in PEOPLE}
    script = tmp_path / "live.mjs"
    script.write_text(
        f"import {{ connect }} from {str(module)!r};\n"
        f"const url = {server.url!r};\n"
        f"const tokens = {tokens!r};\n" + LIVE,
        encoding="utf-8",
    )
    printed = typescript_kit.run(*typescript_kit.node_command().split(), script, folder=tmp_path)
    assert printed.split() == ["ready", "level", "2", "refused", "quest_not_found", "total", "500"]


PEOPLE = (("user", "alice"), ("service", "game"))
LIVE = """
const me = connect(url, { getToken: () => tokens.alice }).user();
const game = connect(url, { getToken: () => tokens.game, service: true });
await me.ready;
console.log("ready");
const reached = new Promise((resolve) => me.on("level_reached", resolve));
await game.send([
  { user_id: "alice", type: "grant_player_progression_experience", amount: 500 },
]);
console.log("level", (await reached).level);
await me.turnInQuest("none").catch((problem) => console.log("refused", problem.code));
console.log("total", me.progression.total_xp);
process.exit(0);
"""
