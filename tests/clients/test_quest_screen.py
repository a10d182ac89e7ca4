"""The React example: built from the packed client, opened in Chromium, clicked."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from questkeep_client import OfferQuest, RecordSignal
from questkeep_testing.server import LocalServer
from tests.clients import typescript_kit, vite_kit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def built(url: str, token: str) -> Path:
    """The example's pages, for this server and player."""
    folder = vite_kit.project("quest_screen")
    shutil.copytree(vite_kit.EXAMPLE / "src", folder / "src")
    for name in ("index.html", "tsconfig.json", "package.json"):
        shutil.copy(vite_kit.EXAMPLE / name, folder)
    (folder / ".env.local").write_text(
        f"VITE_QUESTKEEP_URL={url}\nVITE_QUESTKEEP_TOKEN={token}\n", encoding="utf-8"
    )
    typescript_kit.run(typescript_kit.tool("tsc", vite_kit.packages()), folder=folder)
    vite = typescript_kit.tool("vite", vite_kit.packages())
    typescript_kit.run(vite, "build", "--logLevel", "error", folder=folder)
    return folder / "dist"


async def test_quests_are_handed_in_and_come_live() -> None:
    dist = await asyncio.to_thread(vite_kit.packages) / "quest_screen" / "dist"
    with vite_kit.served(dist) as origin, LocalServer(allow_origins=(origin,)) as server:
        server.seed(
            "alice",
            OfferQuest("the-lost-ring", {"experience": 500, "currency": {"gold": 40}}),
            OfferQuest(
                "wolves-at-the-gate",
                {"experience": 120},
                objectives=[{"kind": "defeat", "target": "wolf", "required": 2}],
            ),
        )
        await asyncio.to_thread(built, server.url, server.token("alice"))
        async with vite_kit.opened(origin) as page:
            await _play(page, server)
            if folder := os.environ.get("QUESTKEEP_SCREENSHOTS"):
                await page.screenshot(path=Path(folder) / "quest_screen.png")


async def _play(page: Page, server: LocalServer) -> None:
    await expect(page.get_by_role("status")).to_have_text("live")
    await expect(page.get_by_role("heading", name="Level 1")).to_be_visible()
    await expect(page.get_by_text("defeat wolf: 0 of 2")).to_be_visible()
    await page.get_by_role("button", name="Turn in").click()
    await expect(page.get_by_text("You reached level 2.")).to_be_visible()
    await expect(page.get_by_role("heading", name="The lost ring")).to_have_count(0)
    await expect(page.get_by_text("40 gold")).to_be_visible()
    await page.get_by_role("button", name="new: celebrate").click()
    await expect(page.get_by_role("button", name="new: celebrate")).to_have_count(0)
    await asyncio.to_thread(server.seed, "alice", RecordSignal("defeat", "wolf", 2))
    await expect(page.get_by_text("defeat wolf: 2 of 2")).to_be_visible()
    await expect(page.get_by_role("button", name="Turn in")).to_have_count(1)
    assert server.read("alice")["player_progression"]["pending_level_ups"] == 0
