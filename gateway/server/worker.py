"""A worker: a gateway process that answers on the same port and reaches the same hosts.

The primary starts it with one end of their IPC channel and tells it everything; it reads no
settings, holds no lock and knows no Ray.  It lives as long as its channel: when that is cut the
primary has stopped or died, and it ends at once.  Signals are the primary's to take.

Not for: starting, watching and ending it (`supervisor`).
"""

import asyncio
import os
import signal
import socket
from typing import Any, NoReturn

import msgspec
import structlog

from actors.cluster.remote_hosts import RemoteHosts
from actors.errors import CannotScale, HostGone, UserUnavailable
from actors.gc_tuning import collect_rarely
from actors.monitoring.cluster_status import ClusterStatus
from actors.transport.addresses import HostAddress
from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from gateway.api.rules_endpoint import Reloaded, RulesEndpoint
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import JwksError
from gateway.auth.tokens import Signing, keys
from gateway.http.listener import CannotListen, Listener
from gateway.server.application import make_app
from gateway.server.event_loop import loop_factory
from gateway.server.ipc import Handlers, IpcChannel, PeerGone, RemoteError
from gateway.server.ipc_messages import HostLookup, ReloadOutcome, WorkerConfig
from gateway.server.output.logs import log_to_stderr
from gateway.settings import Settings

log = structlog.get_logger("questkeep.serve")


LOG_SECONDS = 0.5


class WorkerRules(RulesEndpoint):
    """The primary's rules, as a worker shows them."""

    def __init__(self, rules: Rules, channel: IpcChannel) -> None:
        super().__init__(rules)
        self._channel = channel

    async def reload(self, asked_by: str) -> Reloaded:
        """See `RulesEndpoint.reload`: the primary does it, and has everybody show the new ones."""
        answer = await self._channel.call("reload_rules", asked_by)
        outcome = msgspec.convert(answer, ReloadOutcome)
        if outcome.reloaded is None:
            raise InvalidRules(outcome.problems)
        return outcome.reloaded


class PrimaryCluster:
    """The primary's cluster, as a worker sees it: see `ClusterView`."""

    def __init__(self, channel: IpcChannel) -> None:
        self._channel = channel

    async def status(self) -> ClusterStatus:
        """See `ClusterView`."""
        return msgspec.convert(await self._channel.call("cluster_status"), ClusterStatus)

    async def host_name(self, user_id: str) -> str:
        """See `ClusterView`."""
        name: str = await self._channel.call("host_name", user_id)
        return name

    async def scale(self, hosts: int) -> None:
        """See `ClusterView`: placements with workers cannot."""
        raise CannotScale("A server with several gateways cannot be scaled while it serves.")


class Worker:
    """The gateway, as the primary calls it."""

    def __init__(self) -> None:
        self._output = log_to_stderr("info", "console")  # until the primary says how
        self.handlers: Handlers = {
            "configure": self._configure,
            "show_rules": self._show_rules,
            "listen": self._listen,
            "counts": self._counts,
            "drain": self._drain,
            "stop": self._stop,
        }

    async def run(self, end: socket.socket) -> NoReturn:
        """Serve until the channel is cut."""
        self._channel = await IpcChannel.open(end, self.handlers)
        await self._channel.closed.wait()
        self._output.flush(LOG_SECONDS)
        # At once: hosts end with the primary, and what was accepted is answered or lost.
        os._exit(0)

    async def _configure(self, content: Any) -> None:
        config = msgspec.convert(content, WorkerConfig)
        settings = Settings(**config.settings)
        self._output = log_to_stderr(settings.log_level, settings.log_format, config.number)
        signing = Signing(config.secret, config.development)
        token_keys = keys(signing, settings)
        if isinstance(token_keys, KeySet):
            try:
                await token_keys.load()
            except JwksError as error:
                log.error("the key set could not be fetched", reason=str(error))
        self._hosts = RemoteHosts(
            config.hosts, self._find_host, ask_timeout_seconds=settings.ask_timeout_seconds
        )
        self._rules = WorkerRules(compile_rules(config.rules_text), self._channel)
        self._app = make_app(
            settings, token_keys, self._hosts, self._rules, signing.development_secret
        )
        self._app.metrics_text = self._metrics_text
        self._app.health = self._health
        self._app.cluster.view = PrimaryCluster(self._channel)
        self._listener = Listener(
            self._app.answer, config.address, settings.address_connections_max
        )

    async def _show_rules(self, text: str) -> None:
        self._rules.show(compile_rules(text))

    async def _listen(self, _: None) -> str:
        try:
            await self._listener.start()
        except CannotListen as error:
            return str(error)
        collect_rarely()
        self._app.ready = True
        return ""

    async def _counts(self, _: None) -> Any:
        return self._app.metrics.snapshot()

    async def _drain(self, seconds: float) -> bool:
        self._app.drain()
        idle = await self._app.wait_idle(seconds)
        self._hosts.close()
        return idle

    async def _stop(self, _: None) -> None:
        await self._listener.stop()

    async def _find_host(self, slot: int) -> HostAddress:
        try:
            lookup = msgspec.convert(await self._channel.call("find_host", slot), HostLookup)
        except (PeerGone, RemoteError) as error:
            raise HostGone(str(error)) from error
        if lookup.unavailable:
            raise UserUnavailable(lookup.unavailable)
        if lookup.where is None:
            raise HostGone(lookup.gone)
        return lookup.where

    async def _health(self) -> str:
        problem: str = await self._channel.call("health")
        return problem

    async def _metrics_text(self) -> bytes:
        text: bytes = await self._channel.call("metrics_text")
        return text


def run(descriptor: int) -> None:
    """The whole life of the process; `descriptor` is its end of the channel."""
    # A terminal sends them to everybody: the primary answers for all.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Worker().run(socket.socket(fileno=descriptor)))
