"""The page while its server is killed and started again: nothing is lost, nothing done twice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.clients.chromium_kit import chromium
from tests.end_to_end.server_kit import Server
from tests.gateway.play.page_kit import Window

pytestmark = [pytest.mark.kills, pytest.mark.slow]


class Servers:
    """Servers of one folder and port, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = self._start("0")

    def _start(self, port: str) -> Server:
        return Server(self.folder, "--placement", "local", "--port", port)

    async def again(self) -> None:
        """Start the next where the last one was."""
        self.now = await asyncio.to_thread(self._start, self.now.url.rpartition(":")[2])


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    servers.now.end()


async def test_a_killed_server_is_caught_up_with_and_nothing_is_done_twice(
    servers: Servers,
) -> None:
    async with chromium() as browser:
        context = await browser.new_context()
        window, watcher = [await Window.open(context, servers.now.url) for _ in range(2)]
        await window.press("Gather")
        await watcher.sees("1 of 3")
        await expect(window.button("Gather")).to_be_enabled()
        servers.now.kill()
        await window.sees("The server does not answer")
        await window.press("Turn in")
        await window.press("Gather")
        await window.sees("Reconnecting, 2 unsent")
        await servers.again()
        for each in (window, watcher):
            await expect(each.page.locator(".turned_in")).to_have_count(1)
            await each.sees("2 of 3")
            await each.at_version(7)
        await watcher.shows_what(window)
