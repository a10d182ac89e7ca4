"""A queue in IndexedDB: what had no answer is sent again by the next page, alike and in order."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from cli.conformance import frames
from cli.conformance.scripted_server import Line, ScriptedServer
from cli.conformance.trial import token
from tests.clients import typescript_kit, vite_kit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

COUNT = 30
CONNECT = """([url, token]) => {
  const outbox = qk.indexedDbStore("alice");
  window.client = qk.connect(url, { getToken: () => token, outbox });
}"""
SEND = """(count) => {
  const sent = (number) => client.user().turnInQuest(`q-${number}`);
  for (let number = 0; number < count; number++) sent(number).catch(() => undefined);
}"""
STORED = """async () => (await qk.indexedDbStore("alice").load()).length"""


async def test_a_reloaded_page_sends_what_had_no_answer_in_the_same_order(tmp_path: Path) -> None:
    bundle = typescript_kit.bundle("index.ts", tmp_path / "client.js", "--global-name=qk")
    script = bundle.read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text("<!doctype html>", encoding="utf-8")
    with vite_kit.served(tmp_path) as origin:
        async with ScriptedServer() as server, vite_kit.opened(origin) as page:
            line = await _caught_up(page, server, script)
            await page.evaluate(SEND, COUNT)
            sent = [await line.take_of("turn_in_quest") for _ in range(COUNT)]
            await page.wait_for_function(
                f"async () => (await ({STORED})()) === {COUNT}", polling=100
            )
            await page.reload()
            line = await _caught_up(page, server, script)
            again = [await line.take_of("turn_in_quest") for _ in range(COUNT)]
            assert again == sent
            for version, command in enumerate(again, start=6):
                await line.send(frames.reply(command, version))
            await page.wait_for_function(f"async () => (await ({STORED})()) === 0", polling=100)


async def _caught_up(page: Page, server: ScriptedServer, script: str) -> Line:
    """The line of a new client in the page."""
    await page.add_script_tag(content=script)
    await page.evaluate(CONNECT, [server.url, token()])
    line = await server.line()
    await line.send(frames.welcome())
    await line.send(frames.state(5), frames.caught_up(5))
    return line
