"""Questkeep's own connections before an application that does nothing.

python -m benchmarks.peers.limits.own PORT; several may share one port.
"""

import asyncio
import sys
from typing import Any, cast

from benchmarks.peers.limits.empty import REPLY
from gateway.api.app import App
from gateway.api.exchange import Exchange
from gateway.http.listener import Address, Listener
from gateway.http.messages import Request, Response
from gateway.server.event_loop import loop_factory

BODY_BYTES_MAX = 64 * 1024
BODY_SECONDS_MAX = 30.0


class Nothing:
    """Reads the whole body, as every peer does, and answers a reply of a turn-in's size."""

    async def answer(self, request: Request) -> Response:
        await Exchange(request, ()).read(BODY_BYTES_MAX, BODY_SECONDS_MAX)
        return Response(200, b"application/json", REPLY)


async def serve(port: int) -> None:
    """Until the process is ended."""
    await Listener(cast(App, Nothing()), Address("127.0.0.1", port)).start()
    await asyncio.Event().wait()


def main() -> None:
    """One process."""
    with asyncio.Runner(loop_factory=cast(Any, loop_factory())) as runner:
        runner.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
