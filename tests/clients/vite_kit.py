"""Vite projects with the packed client, and their pages served and opened.

Not for: what the pages do.
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.async_api import ConsoleMessage, Page

from tests.clients import typescript_kit
from tests.clients.chromium_kit import chromium

EXAMPLE = Path(__file__).parents[2] / "examples" / "quest_screen"
CLIENT = "@questkeep/client"


@cache
def packages() -> Path:
    """A folder with Vite, React and the packed client: projects in it find them."""
    folder = typescript_kit.TOOLS / "vite"
    folder.mkdir(parents=True, exist_ok=True)
    pins = json.loads((EXAMPLE / "package.json").read_text(encoding="utf-8"))
    del pins["dependencies"][CLIENT]
    (folder / "package.json").write_text(json.dumps(pins), encoding="utf-8")
    typescript_kit.install(folder)
    typescript_kit.install_packed(folder)
    return folder


def project(name: str) -> Path:
    """An empty folder beside those packages."""
    folder = packages() / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The origin of a plain web server for what will be in the folder."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    """The page in Chromium; what it throws or logs as an error fails the test."""
    errors: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 720})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.extend(_error_of(line)))
        await page.goto(url)
        yield page
    assert not errors, errors


def _error_of(line: ConsoleMessage) -> list[str]:
    """Its text, unless the browser says only that a server was away, or has no icon."""
    is_away = line.text.startswith("WebSocket connection to")
    has_no_icon = line.location["url"].endswith("/favicon.ico")
    return [line.text] if line.type == "error" and not is_away and not has_no_icon else []
