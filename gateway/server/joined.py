"""`questkeep gateway`: one more gateway of a server on a Ray cluster, on any of its nodes.

It finds the server's hosts through Ray and sends to them itself; it owns nothing, so that whichever
gateway dies, the others and the hosts go on.  A server that is started anew is found again as long
as it has as many hosts; else, and without Ray, the gateway ends and its supervisor starts it again.

Not for: starting or draining hosts, or reloading rules: that is the server's (`serve`).
"""

import asyncio
import os
from contextlib import ExitStack, suppress

import structlog

from actors.cluster.remote_hosts import RemoteHosts
from actors.errors import AskAgain, ClusterError
from actors.gc_tuning import collect_rarely
from gateway.api.app import App
from gateway.api.rules_endpoint import Reloaded, RulesEndpoint
from gateway.http.listener import CannotListen, Listener
from gateway.server.application import make_app
from gateway.server.event_loop import loop_factory
from gateway.server.output.server_output import ServerOutput
from gateway.server.preflight import CannotStart, Checked, check, load_keys
from gateway.server.readiness import Readiness
from gateway.server.serve import EXIT_FAILED
from gateway.server.stop import FAILED_DRAIN_SECONDS, StopSignals
from gateway.settings import Settings, WrongSettings
from gateway.settings_sources import forget_secrets

log = structlog.get_logger("questkeep.serve")

WATCH_SECONDS = 2.0
HOST_SECONDS = 2.0
"""How long it may take to find a host until it counts as away."""


class ShownRules(RulesEndpoint):
    """The rules of this gateway's own settings; hosts decide by the server's."""

    async def reload(self, asked_by: str) -> Reloaded:
        """See `RulesEndpoint.reload`."""
        raise WrongSettings(["This gateway has no hosts: reload the rules at the server."])


def join_and_serve(settings: Settings) -> int:
    """Answer until a signal; the process's exit code.

    Raises:
        WrongSettings, CannotStart: nothing was started.
    """
    _check_settings(settings)
    forget_secrets()
    output = ServerOutput.begin(settings.log_level, settings.log_format)
    try:
        with ExitStack() as held:
            checked = check(settings, held)
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                return runner.run(_Joined(checked, output).run())
    finally:
        output.flush()


def _check_settings(settings: Settings) -> None:
    problems = []
    if settings.placement != "packed":
        problems.append(f"placement is {settings.placement}, expected packed: its hosts listen.")
    if settings.ray in ("local", "auto"):
        problems.append(f"ray is {settings.ray}, expected the address of the server's cluster.")
    if settings.store.startswith(("file:", "memory:")):
        problems.append(f"store is {settings.store}, expected the server's object storage.")
    if settings.gateways != 1:
        problems.append(f"gateways is {settings.gateways}, expected 1: start this one again.")
    if problems:
        raise WrongSettings(problems)


class _Joined:
    """The gateway, from its start to its end."""

    def __init__(self, checked: Checked, output: ServerOutput) -> None:
        # Imported here: Ray takes a second to import.
        from actors.cluster.ray_hosts import RayHosts
        from actors.cluster.ray_session import RaySession

        self._checked = checked
        self._console = output.console
        self._flush = output.flush
        self._session = RaySession(checked.settings.ray)
        self._hosts = RayHosts(checked.settings.store)

    async def run(self) -> int:
        signals = StopSignals(self._console, self._flush)
        try:
            await asyncio.to_thread(self._session.begin)
            signals.listen()  # after Ray, which puts its own in their place
            await self._hosts.join()
        except ClusterError as error:
            raise CannotStart(str(error)) from None
        settings = self._checked.settings
        timeout = settings.ask_timeout_seconds
        directory = RemoteHosts(self._hosts.hosts, self._hosts.find, ask_timeout_seconds=timeout)
        try:
            app, listener = await self._listen(directory)
            self._console.print(f"Questkeep is ready at {self._checked.address.url}")
            self._console.print(
                f"One more gateway, {self._hosts.hosts} hosts found through Ray; Ctrl-C drains."
            )
            failure = await self._until_stop(signals)
            app.drain()
            seconds = FAILED_DRAIN_SECONDS if failure else settings.drain_seconds
            if not await app.wait_idle(seconds):
                log.warning("requests were still being answered", waited_seconds=seconds)
            await listener.stop()
        finally:
            directory.close()
        if failure:
            log.error("nobody can be served any more; this server ends", reason=failure)
            self._session.abandon()
            self._flush()
            os._exit(EXIT_FAILED)  # Ray's clean-up would wait for what is gone
        self._session.end()
        return 0

    async def _listen(self, directory: RemoteHosts) -> tuple[App, Listener]:
        checked = self._checked
        keys = await load_keys(checked)
        app = make_app(checked.settings, keys, directory, ShownRules(checked.rules))
        app.health = Readiness(self._health).problem
        listener = Listener(app.answer, checked.address, checked.settings.address_connections_max)
        try:
            await listener.start()
        except CannotListen as error:
            raise CannotStart(str(error)) from None
        collect_rarely()
        app.ready = True
        return app, listener

    async def _health(self) -> str:
        """Empty while all hosts but one at most are found; else one sentence."""
        if lost := self._session.lost():
            return lost
        found = await asyncio.gather(*(self._why_away(slot) for slot in range(self._hosts.hosts)))
        away = [reason for reason in found if reason]
        return "" if len(away) <= min(1, self._hosts.hosts - 1) else "; ".join(away)

    async def _why_away(self, slot: int) -> str:
        try:
            async with asyncio.timeout(HOST_SECONDS):
                await self._hosts.find(slot)
        except TimeoutError:
            return f"host {slot + 1} of {self._hosts.hosts} does not answer"
        except (AskAgain, ClusterError) as error:
            return f"host {slot + 1} of {self._hosts.hosts}: {error}"
        return ""

    async def _until_stop(self, signals: StopSignals) -> str:
        """Wait for a signal (empty), or until this gateway cannot find hosts any more (why)."""
        while not signals.requested.is_set():
            if lost := self._session.lost() or await self._hosts.changed():
                return lost
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    await signals.requested.wait()
        return ""
