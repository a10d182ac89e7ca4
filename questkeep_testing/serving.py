"""One life of a server on a store in memory: from its start to its end, in peace or not.

It is what `questkeep serve --placement local` runs, with the clock of a test.

Not for: the thread it runs in, or which life comes next (`server`).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from actors.cluster.local import LocalCluster
from actors.host.eviction import hibernate_quiet, passivate_idle
from gateway.auth.tokens import keys
from gateway.http.listener import Listener
from gateway.server.application import make_app
from gateway.server.preflight import Checked
from gateway.server.readiness import Readiness
from gateway.server.rules_reload import ServedRules
from gateway.settings_sources import rules_text
from persistence.memory import MemoryStore, World

DRAIN_SECONDS = 10.0


def make_cluster(checked: Checked, world: World, now: Callable[[], int]) -> LocalCluster:
    """A cluster on what the world holds; not started."""
    settings = checked.settings
    store = MemoryStore(world, name="questkeep-testing")
    return LocalCluster(
        checked.host_settings,
        store,
        users_max=settings.users_max,
        ask_timeout_seconds=settings.ask_timeout_seconds,
        now=now,
    )


class Serving:
    """A server that listens from `start` to `stop` or `abort`.

    Attributes:
        cluster: where its users are.
    """

    def __init__(self, checked: Checked, world: World, now: Callable[[], int]) -> None:
        settings = checked.settings
        self.cluster = make_cluster(checked, world, now)
        rules = ServedRules(checked.rules, partial(rules_text, settings), self.cluster.change_rules)
        self._idle_seconds = settings.idle_seconds
        self._app = make_app(settings, keys(checked.signing, settings), self.cluster, rules)
        self._app.health = Readiness(self.cluster.health).problem
        self._listener = Listener(self._app.answer, checked.address)

    async def start(self) -> None:
        """Return once it answers.  Raises `ClusterError` and `CannotListen`."""
        await self.cluster.start()
        await self._listener.start()
        self._app.ready = True

    async def stop(self) -> None:
        """Finish what was accepted, and snapshot every user."""
        self._app.drain()
        await self._app.wait_idle(DRAIN_SECONDS)
        await self.cluster.drain()
        await self._listener.stop()

    def abort(self) -> None:
        """Close every socket at once, as the system does for a process that was killed."""
        self._listener.abort()

    async def age(self, seconds: float) -> None:
        """Have every user in memory be idle for so long already, and who is due leave it."""
        users = self.cluster.host.activations
        for activation in users.awake.values():
            activation.last_command -= seconds
            activation.awake_since -= seconds
        for hibernated in users.hibernated:
            hibernated.last_command -= seconds
        await hibernate_quiet(users)
        await passivate_idle(users, self._idle_seconds)


@asynccontextmanager
async def successor(
    checked: Checked, world: World, now: Callable[[], int]
) -> AsyncIterator[LocalCluster]:
    """A cluster on a copy of what is stored: it knows what a server would that starts now."""
    cluster = make_cluster(checked, world.copy(), now)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.drain()
