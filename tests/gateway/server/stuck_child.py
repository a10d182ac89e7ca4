"""A server whose cluster never finishes its drain: `thread` blocks a thread, `loop` the event loop.

Started as `python -m tests.gateway.server.stuck_child HOW`, with a second to drain in.
"""

import asyncio
import sys
import time

from actors.cluster.local import LocalCluster
from actors.host.settings import HostSettings
from gateway.server.serve import serve
from gateway.settings import Settings
from gateway.settings_sources import load
from persistence.open import open_store

FOR_EVER_SECONDS = 10_000


class StuckInThread(LocalCluster):
    async def drain(self) -> None:
        await asyncio.to_thread(time.sleep, FOR_EVER_SECONDS)


class StuckInLoop(LocalCluster):
    async def drain(self) -> None:
        time.sleep(FOR_EVER_SECONDS)  # noqa: ASYNC251


class StuckAtStart(LocalCluster):
    """Cleans up when its start is broken off."""

    async def start(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            print("cleaned up", flush=True)


CLUSTERS = {"thread": StuckInThread, "loop": StuckInLoop, "start": StuckAtStart}


def stuck(settings: Settings, host_settings: HostSettings) -> LocalCluster:
    return CLUSTERS[sys.argv[1]](host_settings, open_store(settings.store))


if __name__ == "__main__":
    settings = load({"port": "0", "drain_seconds": "1", "placement": "local"}).settings
    sys.exit(serve(settings, stuck))
