"""Real replies to hold generated types against: the story of `examples`, and one of every command.

The story is played against a gateway of this process over real connections.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

from gateway.api.app import App
from gateway.api.docs.examples import COMMAND_EXAMPLES
from gateway.api.docs.openapi import openapi_document
from gateway.auth.development_secret import PLACE
from gateway.http.listener import Listener, free_address
from gateway.http.messages import Request, Response
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, OPERATOR, PLAYER, SECRET, Gateway

STORY = Path(__file__).parents[2] / "examples" / "three_chapters.py"

READS = (
    "/v1/users/alice",
    "/v1/users/nobody",
    "/v1/users/alice/progression",
    "/v1/users/alice/chapters",
    "/v1/users/alice/chapters/chapter-1",
    "/v1/users/alice/quests",
    "/v1/users/alice/quests/quest-1",
    "/v1/users/alice/battles",
    "/v1/users/alice/battles/battle-1",
    "/v1/users/alice/history",
    "/v1/users/alice/commands/try-1",
    "/v1/rules",
    "/v1/operations/cluster",
    "/v1/operations/cluster/users/alice",
    "/healthz",
    "/readyz",
)


class Sample(NamedTuple):
    """A response's body and the name of its schema."""

    schema: str
    value: Any


class Story(NamedTuple):
    """The document, and what was answered under it, each body once."""

    document: dict[str, Any]
    samples: list[Sample]


class Recorder:
    """An application that keeps what it answered."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.routes = app.routes
        self._bodies: dict[tuple[str, bytes], None] = {}

    async def answer(self, request: Request) -> Response | None:
        response = await self._app.answer(request)
        place, _ = self.routes.match(request.path)
        route = None if place is None else place.route(request.method)
        if response is not None and route is not None and route.operation is not None:
            schema = "Problem" if response.code else route.operation.response
            if schema:
                self._bodies[schema, response.body] = None
        return response

    def samples(self) -> list[Sample]:
        return [Sample(schema, json.loads(body)) for schema, body in self._bodies]


async def play(folder: Path) -> Story:
    """Play the story from `folder`, and ask for everything else once."""
    place = folder / PLACE
    place.parent.mkdir()
    place.write_bytes(SECRET)
    recorder = Recorder(gateway_kit.gateway().app)
    address = free_address("127.0.0.1", 0)
    listener = Listener(recorder.answer, address)
    await listener.start()
    try:
        await _run_story(folder, address.url)
    finally:
        await listener.stop()
    await _ask_for_the_rest(Gateway(cast(App, recorder)))
    return Story(openapi_document(recorder.routes.all), recorder.samples())


async def _run_story(folder: Path, url: str) -> None:
    story = await asyncio.create_subprocess_exec(
        *(sys.executable, str(STORY), "--url", url),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await story.communicate()
    assert story.returncode == 0, printed.decode()


async def _ask_for_the_rest(gateway: Gateway) -> None:
    """Every command alone and in a list, every read, and some refusals."""
    examples = [example["value"] for example in COMMAND_EXAMPLES.values()]
    for command in examples:
        await gateway.send(command)
    await gateway.send([*examples, {"type": "no such"}, 5])
    batch = [{"user_id": "bob", **example} for example in examples]
    content = json.dumps([*batch, 5]).encode()
    await gateway.request("POST", "/v1/commands", body=content)
    for path in READS:
        await gateway.get(path)
    await gateway.get("/v1/users/alice", query=b"settled=none")
    for after in (b"", b"after=0", b"after=3&wait_ms=1", b"after=other.3", b"after=100000"):
        await gateway.get("/v1/users/alice/changes", query=after)
        await gateway.get("/v1/users/bob/changes", query=after)
    for rows in ("chapters", "quests", "battles", "history"):
        await gateway.get(f"/v1/users/bob/{rows}", query=b"limit=1")
    await gateway.request("POST", "/v1/operations/rules/reload", bearer=OPERATOR)
    await gateway.send({**ACKNOWLEDGE, "more": 1})
    await gateway.get("/v1/users/bob", bearer=PLAYER)
    await gateway.get("/v1/users/bob", bearer=None)
