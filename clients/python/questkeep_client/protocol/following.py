"""Every change of one user in order, for as long as somebody listens, from any position on.

Not for: one connection's frames (`session`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from questkeep_client.protocol.changes import Change, Changes, State, frame_as_change
from questkeep_client.protocol.mirror import Position
from questkeep_client.protocol.problems import Closed
from questkeep_client.protocol.session import Frame, Watched

ReadMissed = Callable[[Position], Awaitable[list[Frame]]]


async def each_change(watched: Watched) -> AsyncGenerator[Change, None]:
    """The state as it stands, if it has come; then whatever is published, however late it is taken.

    Raises:
        Closed: the client ended for good.
    """
    mirror = watched.mirror
    waiting: asyncio.Queue[Change | Closed] = asyncio.Queue()
    listener = waiting.put_nowait
    watched.listeners.append(listener)
    try:
        if mirror.position is not None:
            yield State(mirror.user_id, mirror.position, "first", dict(mirror.rows))
        while True:
            change = await waiting.get()
            if isinstance(change, Closed):
                raise change
            yield change
    finally:
        watched.listeners.remove(listener)


async def each_change_after(
    position: Position, watched: Watched, read_missed: ReadMissed
) -> AsyncGenerator[Change, None]:
    """Every change after `position`: the missed ones are read, the rest is heard.

    Raises:
        Closed: the client ended for good.
    """
    user_id = watched.mirror.user_id
    async for heard in each_change(watched):
        if isinstance(heard, Changes) and heard.position == position.next():
            position = heard.position
            yield heard
        elif not _is_known(heard.position, position):
            for frame in await read_missed(position):
                missed = frame_as_change(user_id, position, frame)
                if missed is not None:
                    position = missed.position
                    yield missed


def _is_known(heard: Position, position: Position) -> bool:
    return heard.era == position.era and heard.version <= position.version
