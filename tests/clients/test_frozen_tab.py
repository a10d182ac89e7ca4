"""A tab that gets no time: it is caught up as soon as it goes on, without a timer of its own."""

import asyncio
import time
from pathlib import Path

import pytest

from cli.conformance import frames
from cli.conformance.scripted_server import ScriptedServer
from cli.conformance.trial import Trial
from questkeep_client import GrantExperience
from questkeep_testing.server import LocalServer
from tests.clients import typescript_kit
from tests.clients.chromium_kit import PageUnderTest, chromium, frozen, page_processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TEN_MINUTES_MS = 600_000
CHANGES = 600
"""One a second: far more than the receipts that a resume is made of."""


async def test_a_stopped_tab_resumes_when_it_goes_on(tmp_path: Path) -> None:
    bundle = typescript_kit.kit_bundle(tmp_path)
    async with chromium() as browser, ScriptedServer() as server:
        client = await PageUnderTest.open(browser, bundle, "json")
        trial = Trial(client, server)
        line = await trial.live(5)
        with frozen(await page_processes(browser)):
            line.cut()
            await server.no_line(1.0)
        line = await trial.again("e1.5")
        await line.send(frames.welcome(), frames.changes(6), frames.caught_up(6))
        await trial.shows(6)
        await client.stop()


@pytest.mark.parametrize("is_cut", [False, True], ids=["on its line", "on a new line"])
async def test_a_tab_frozen_for_ten_minutes_is_caught_up(is_cut: bool, tmp_path: Path) -> None:
    bundle = typescript_kit.kit_bundle(tmp_path)
    with LocalServer(allow_origins=("*",)) as server:
        network = server.network()
        async with chromium() as browser:
            client = await PageUnderTest.open(browser, bundle, "json")
            await client.page.clock.install()
            await client.tell("connect", url=network.url, token=server.token("alice"))
            await _shows(client, 0)
            with frozen(await page_processes(browser)):
                grants = [GrantExperience(1)] * CHANGES
                await asyncio.to_thread(server.seed, "alice", *grants)
                if is_cut:
                    network.cut()
                assert client.all_seen(lambda seen: seen["saw"] == "change") == []
            thawed = time.perf_counter()
            await client.page.clock.fast_forward(TEN_MINUTES_MS)
            await _shows(client, CHANGES)
            print(f"caught up after {time.perf_counter() - thawed:.3f} s")
            await client.stop()


async def _shows(client: PageUnderTest, experience: int) -> None:
    """Wait until the rows of that experience are there."""

    def fits(seen: dict[str, object]) -> bool:
        return seen["saw"] == "change" and str(seen["position"]).endswith(f".{experience}")

    await client.see(f"version {experience}", fits, 20)
    await client.tell("rows")
    seen = await client.see("rows", lambda seen: seen["saw"] == "rows", 5)
    assert seen["rows"].get("player_progression", {}).get("total_xp", 0) == experience
