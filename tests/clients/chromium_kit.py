"""A real browser, and the TypeScript client in a page of it.

Without a Chromium on the machine the tests that need one are skipped and say why.
"""

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from cli.conformance.client_under_test import ClientUnderTest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Loopback pages only; containers have no room for its sandbox.
ARGUMENTS = ["--no-sandbox"]


def chromium_path() -> str:
    """Where Chromium is."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser, closed at the end."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def page_processes(browser: Browser) -> list[int]:
    """The process ids of the browser's pages."""
    devtools = await browser.new_browser_cdp_session()
    processes = await devtools.send("SystemInfo.getProcessInfo")
    return [one["id"] for one in processes["processInfo"] if one["type"] == "renderer"]


@contextmanager
def frozen(processes: list[int]) -> Iterator[None]:
    """These processes get no time, as on a machine that sleeps."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


class PageUnderTest(ClientUnderTest):
    """The client in a page, as the kit sees it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        super().__init__()
        self.page = page
        self._context = context

    @classmethod
    async def open(cls, browser: Browser, bundle: str, form: str) -> "PageUnderTest":
        """A page of a context of its own that runs the bundle of `kit.ts`."""
        context = await browser.new_context()
        page = await context.new_page()
        under_test = cls(context, page)
        await page.expose_function("kitPrint", lambda line: under_test.printed(json.loads(line)))
        await page.add_script_tag(content=bundle)
        await page.evaluate("form => kit.begin(line => void kitPrint(line), form)", form)
        return under_test

    async def tell(self, verb: str, **fields: Any) -> None:
        """Give the client one line."""
        await self.page.evaluate("told => kit.take(told)", {"do": verb, **fields})

    async def stop(self) -> None:
        """Close the client and its page."""
        await self.tell("close")
        await self._context.close()
