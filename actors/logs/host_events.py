"""Events of hosts, as they arrive at the server: received, told from other output, logged.

An event is a line: a mark, then JSON with its level, its time and its host.

Not for: sending them (`host_log`).
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog

from actors.background_tasks import BackgroundTasks
from actors.private_folder import NoFolder, PrivateFolder

log = structlog.get_logger(__name__)

MARK = "questkeep-event "
TEXT_CHARACTERS_MAX = 8_000
"""Of one field: of a traceback the end is kept, which says what went wrong."""
LINE_BYTES_MAX = 1024 * 1024
SOCKET_NAME = "events"
LAST_EVENTS_SECONDS = 0.5
"""For what hosts sent before they ended."""

Event = dict[str, Any]


def shorten(event: Event) -> Event:
    """The event with no text longer than the log should have."""
    return {
        name: value[-TEXT_CHARACTERS_MAX:] if isinstance(value, str) else value
        for name, value in event.items()
    }


def relay(lines: Iterable[str], where: str) -> None:
    """Log what a host printed: its events as they were, anything else as one event.

    Args:
        where: which process it was, for what is no event of ours.
    """
    printed = []
    for line in lines:
        event = _event_in(line)
        if event is None:
            printed.append(line)
        else:
            log.log(event.pop("level"), event.pop("event"), **event)
    text = "\n".join(printed).strip()
    if text:
        log.warning("a host printed", where=where, text=text[-TEXT_CHARACTERS_MAX:])


def relay_collected(lines: Iterable[str]) -> None:
    """Log events that a host gave back."""
    relay((MARK + line for line in lines), "a host")


class HostEvents:
    """Receives the events of hosts on this machine, on a socket in a private folder."""

    def __init__(self) -> None:
        self._tasks = BackgroundTasks()
        self._folder: PrivateFolder | None = None
        self._server: asyncio.Server | None = None

    async def listen(self) -> str | None:
        """Receive from here on whatever is sent to the path that comes back.

        None where there is no place for a socket: events then travel as those of other nodes do.
        """
        try:
            self._folder = PrivateFolder.make(len(f"/{SOCKET_NAME}"))
            path = str(self._folder.path / SOCKET_NAME)
            self._server = await asyncio.start_unix_server(self._begin, path, limit=LINE_BYTES_MAX)
        except (NoFolder, OSError) as error:
            log.debug("events of hosts come by way of Ray", reason=str(error))
            return None
        return path

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn(self._receive(reader, writer))

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                relay([line.decode("utf-8", "replace").rstrip("\n")], "a host on this machine")
        except (OSError, ValueError):
            pass  # it died, or is none of ours
        finally:
            writer.close()

    async def close(self) -> None:
        """Hosts have ended: log what is still on its way, then receive no more."""
        if self._server is not None:
            self._server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_EVENTS_SECONDS):
                await self._tasks.wait_idle()
        if self._folder is not None:
            self._folder.remove()


def _event_in(line: str) -> Event | None:
    """The event that the line is; its level as a number."""
    if not line.startswith(MARK):
        return None
    try:
        event: Event = json.loads(line.removeprefix(MARK))
        event["level"] = logging.getLevelNamesMapping()[event["level"].upper()]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return event if isinstance(event.get("event"), str) else None
