"""A page whose client keeps its commands in IndexedDB, and is reloaded while they are on their way.

Not for: the client itself (`clients/typescript`).
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page

from tests.clients import typescript_kit
from tests.clients.chromium_kit import chromium
from tests.end_to_end.server_kit import Server
from tests.outages.history_kit import grants_of

USER = "alice"
FOREIGN, BATCH = 500, 100
ANSWERS = 30
# Any page of the server's own origin, which the client's code is added to.
PLACE = "/healthz"
PLAY = """
([url, token, since]) => {
  const kept = questkeep.indexedDbStore("alice");
  const bare = ({ since, ...frame }) => frame;
  const without = { ...kept, load: async () => (await kept.load()).map(bare) };
  const outbox = since ? kept : without;
  const client = questkeep.connect(url, { getToken: () => token, service: true, outbox });
  const command = { user_id: "alice", type: "grant_player_progression_experience", amount: 1 };
  window.goesOn = true;
  window.client = client;
  const send = () => void client.send([command]).then(([end]) => {
    void window.answered(end.command_id ?? "");
    if (window.goesOn) send();
  });
  void client.user("alice").ready.then(() => { for (let n = 0; n < 20; n++) send(); });
}
"""


class Played:
    """The page, and the ids of commands whose replies it has seen."""

    def __init__(self, page: Page, server: Server, bundle: str, since: bool) -> None:
        self.server = server
        self.answered: list[str] = []
        self.service = server.token("--service", "game")
        self._page = page
        self._bundle = bundle
        self._since = since
        self._heard = asyncio.Event()

    async def open(self) -> None:
        """Load the page for the first time."""
        await self._page.expose_function("answered", self._note)
        await self.come_back()

    async def reload(self) -> None:
        """Reload it, whatever is on its way."""
        await self._page.reload()
        await self._play()

    async def until_answered(self, more: int) -> None:
        """Return once it saw so many replies more."""
        least = len(self.answered) + more
        async with asyncio.timeout(30):
            while len(self.answered) < least:
                self._heard.clear()
                await self._heard.wait()

    async def leave(self) -> None:
        """Go elsewhere, so that nothing is sent for a while."""
        await self._page.goto("about:blank")

    async def come_back(self) -> None:
        """Load the page again."""
        await self._page.goto(f"{self.server.url}{PLACE}")
        await self._play()

    async def settle(self) -> None:
        """Send nothing new, and wait until nothing is unanswered."""
        await self._page.evaluate("() => { window.goesOn = false; }")
        await self._page.wait_for_function("() => window.client.pending === 0")

    async def others_change_the_user(self) -> None:
        """Five hundred foreign commands."""
        headers = {"authorization": f"Bearer {self.service}"}
        grant = {"user_id": USER, "type": "grant_player_progression_experience", "amount": 1}
        async with httpx.AsyncClient(headers=headers, timeout=60) as http:
            for start in range(0, FOREIGN, BATCH):
                batch = [
                    {**grant, "command_id": f"foreign-{len(self.answered)}-{start + number}"}
                    for number in range(BATCH)
                ]
                answer = await http.post(f"{self.server.url}/v1/commands", json=batch)
                assert answer.status_code == 200, answer.text

    async def effects(self) -> Counter[str]:
        """How often each command took effect, by the store's history."""
        grants = await grants_of(self.server.url, self.service, USER)
        return Counter(grant.command_id for grant in grants)

    def _note(self, command_id: str) -> None:
        if command_id:
            self.answered.append(command_id)
            self._heard.set()

    async def _play(self) -> None:
        await self._page.add_script_tag(content=self._bundle)
        await self._page.evaluate(PLAY, [self.server.url, self.service, self._since])


async def reloads(folder: Path, *, rounds: int, since: bool) -> tuple[Counter[str], list[str]]:
    """Commands of a page that is left and comes back: their effects, and those it saw replies to.

    In each round it goes while commands are on their way, and 500 others change the user meanwhile.
    """
    options = ("--format=iife", "--global-name=questkeep")
    path = await asyncio.to_thread(
        typescript_kit.bundle, "index.ts", folder / "bundle.js", *options
    )
    server = await asyncio.to_thread(Server, folder, "--placement", "local")
    try:
        async with chromium() as browser:
            page = await browser.new_page(bypass_csp=True)
            played = Played(page, server, path.read_text(encoding="utf-8"), since)
            await played.open()
            for _ in range(rounds):
                await played.until_answered(ANSWERS)
                await played.reload()
                await played.until_answered(ANSWERS)
                await played.leave()
                await played.others_change_the_user()
                await played.come_back()
            await played.until_answered(1)
            await played.settle()
            return await played.effects(), played.answered
    finally:
        await asyncio.to_thread(server.end)


def twice(effects: Counter[str]) -> list[Any]:
    """What took effect more than once."""
    return [command_id for command_id, count in effects.items() if count > 1]
