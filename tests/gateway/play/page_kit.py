"""The page in a browser, as somebody who plays meets it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.clients import typescript_kit
from tests.clients.chromium_kit import chromium
from tests.gateway.gateway_kit import token
from tests.gateway.live.live_kit import server

PATIENCE_MS = 15_000
SERIOUS = ("serious", "critical")

expect.set_options(timeout=PATIENCE_MS)


class Window:
    """One window of a player; `complaints` is what the browser had to say against the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @classmethod
    async def open(cls, context: BrowserContext, url: str) -> "Window":
        """Load the page and wait until it can be played."""
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        window = cls(page)
        await page.goto(f"{url}/play")
        await expect(page.locator(".card").first).to_be_visible()
        return window

    def button(self, name: str) -> Locator:
        """The first button whose name begins so."""
        return self.page.get_by_role("button", name=name).first

    async def press(self, name: str) -> None:
        """Press the first button whose name begins so."""
        await self.button(name).click()

    async def sees(self, text: str) -> None:
        """Wait until this stands somewhere on the page."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def at_version(self, version: int) -> None:
        """Wait until this version is shown."""
        await expect(self.page.locator(".version")).to_have_text(f"version {version:,}")

    async def shows_what(self, other: "Window") -> None:
        """Wait until this shows of the player what the other shows, as text.

        What happened before a window was opened is nothing that it tells.
        """
        for part in (".top", ".quests", ".side", ".plan"):
            texts = await other.page.locator(part).all_text_contents()
            await expect(self.page.locator(part)).to_have_text(texts)

    async def win_fight(self) -> None:
        """Fight to the end."""
        await self.press("Fight")
        attack = self.page.locator(".moves button").first
        over = self.page.locator(".outcome")
        await expect(attack).to_be_visible()
        while not await over.is_visible():
            version = await self.page.locator(".version").inner_text()
            await attack.click()
            await expect(self.page.locator(".version")).not_to_have_text(version)

    async def focused(self) -> str:
        """The text of what the keyboard is on."""
        return str(await self.page.evaluate("document.activeElement.innerText ?? ''"))

    async def focus_is_seen(self) -> bool:
        """Whether what the keyboard is on has a frame around it."""
        style = "getComputedStyle(document.activeElement).outlineStyle"
        return bool(await self.page.evaluate(f"{style} !== 'none'"))

    async def player(self) -> str:
        """The player's id."""
        return await self.page.locator(".id").inner_text()

    async def serious_faults(self) -> list[str]:
        """What axe-core finds that keeps people out."""
        axe = typescript_kit.built() / "node_modules" / "axe-core" / "axe.min.js"
        await self.page.evaluate(axe.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run()")
        return [
            f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        root = "document.documentElement"
        return int(await self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


@asynccontextmanager
async def playground() -> AsyncIterator[tuple[Browser, str]]:
    """A browser, and a server to play on."""
    async with server() as running, chromium() as browser:
        yield browser, running.url.replace("ws", "http", 1)


async def post(url: str, user_id: str, commands: list[dict[str, Any]]) -> list[Any]:
    """Send commands as a service does; their replies."""
    headers = {"authorization": f"Bearer {token('game', 'service')}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        response = await client.post(f"/v1/users/{user_id}/commands", json=commands)
        assert response.status_code == 200, response.text
        replies: list[Any] = response.json()
        return replies
