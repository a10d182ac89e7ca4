"""Questkeep's own connections before an application that does nothing.

python -m benchmarks.peers.limits.own PORT; several may share one port.
"""

import asyncio
import sys
from typing import Any, cast

from benchmarks.peers.limits.empty import REPLY
from gateway.http.listener import Address, Listener
from gateway.http.messages import Request, Response
from gateway.server.event_loop import loop_factory


async def answer(request: Request) -> Response | None:
    """Read the whole body, as every peer does, and answer a reply of a turn-in's size."""
    request.take()
    while not request.complete:
        await request.more()
        if request.gone:
            return None
        request.take()
    return Response(200, b"application/json", REPLY)


async def serve(port: int) -> None:
    """Until the process is ended."""
    await Listener(answer, Address("127.0.0.1", port)).start()
    await asyncio.Event().wait()


def main() -> None:
    """One process."""
    with asyncio.Runner(loop_factory=cast(Any, loop_factory())) as runner:
        runner.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
