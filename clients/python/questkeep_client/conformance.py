"""This client under the conformance kit: `python -m questkeep_client.conformance [msgpack|json]`.

Takes one JSON object a line from stdin and prints what it saw (docs/conformance.md).
"""

import asyncio
import json
import sys
from typing import Any

from msgspec import to_builtins

from questkeep_client.client import Client, connect
from questkeep_client.line import FORMATS
from questkeep_client.protocol.changes import Change, State
from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.problems import Closed
from questkeep_client.protocol.session import Frame


class AnyCommand(Command, frozen=True, tag="any"):
    """A command as the kit spells it."""

    fields: dict[str, Any]

    def frame(self, command_id: str) -> dict[str, Any]:
        """The fields as they came, with an id."""
        return {**self.fields, "command_id": command_id}


class Driver:
    """Does what each line says."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._client: Client | None = None
        self._token = ""

    async def do(self, verb: str, line: Frame) -> None:
        match verb:
            case "connect":
                await self._connect(line["url"], line["token"])
            case "token":
                self._token = line["token"]
            case "send":
                key = line["key"]
                user_id, command = line.get("user_id", "me"), AnyCommand(line["command"])
                self._connected.post(user_id, command, lambda end: _answer(key, end))
            case "watch":
                self._watch(line["user_id"])
            case "unwatch":
                self._connected.unwatch(line["user_id"])
            case "rows":
                mirror = self._connected.watch(line.get("user_id", "me")).mirror
                position = None if mirror.position is None else str(mirror.position)
                _say("rows", position=position, rows=mirror.rows)
            case "status":
                _say("status", status=self._connected.status)
            case "wake":
                self._connected.wake()
            case "close":
                await self._connected.close()

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise LookupError("the kit has not said `connect` yet")
        return self._client

    async def _connect(self, url: str, token: str) -> None:
        self._token = token
        self._client = connect(url, lambda: self._token, form=self._form)
        await self._client.__aenter__()
        self._client.connector.on_status = lambda status: _say("status", status=status)
        if self._client.session.only is not None:
            self._watch(self._client.session.only)

    def _watch(self, user_id: str) -> None:
        self._connected.watch(user_id).listeners.append(lambda change: _tell(user_id, change))


def _tell(user_id: str, change: Change | Closed) -> None:
    if isinstance(change, Closed):
        return
    position = str(change.position)
    if isinstance(change, State):
        _say("change", user_id=user_id, position=position, why=change.why)
    else:
        _say("change", user_id=user_id, position=position, events=to_builtins(change.events))


def _answer(key: str, end: Frame | Closed) -> None:
    if isinstance(end, Closed):
        return
    kind = "problem" if end["type"] == "problem" else "reply"
    _say("answer", key=key, **{kind: end})


def _say(saw: str, **fields: Any) -> None:
    print(json.dumps({"saw": saw, **fields}), flush=True)


async def main() -> None:
    """Do what the kit says until it says `close`."""
    driver = Driver(sys.argv[1] if len(sys.argv) > 1 else FORMATS[0])
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while content := await reader.readline():
        line = json.loads(content)
        await driver.do(line["do"], line)
        if line["do"] == "close":
            return


if __name__ == "__main__":
    asyncio.run(main())
