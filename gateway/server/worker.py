"""A further gateway: a process that answers on the same port and reaches the same hosts.

The first gateway starts it with one end of their line and tells it everything; it reads no
settings, holds no lock and knows no Ray.  It is as mortal as its line: when that is cut the first
gateway has stopped or died, and it ends at once.  Signals are the first's to take.

Not for: starting, watching and ending it (`gateways`).
"""

import asyncio
import os
import signal
import socket
from typing import Any, NoReturn

import msgspec
import structlog

from actors.cluster.remote_hosts import RemoteHosts
from actors.errors import HostGone, UserUnavailable
from actors.gc_tuning import collect_rarely
from actors.transport.addresses import HostAddress
from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from gateway.api.app import make_app
from gateway.api.rules_endpoint import Reloaded, RulesEndpoint
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import JwksError
from gateway.auth.tokens import Signing, keys
from gateway.http.listener import CannotListen, Listener
from gateway.server.event_loop import loop_factory
from gateway.server.ipc import Answerers, Line, LineCut, LineFailed
from gateway.server.ipc_messages import Begin, HostFound, ReloadOutcome
from gateway.server.logs import configure_logs
from gateway.settings import Settings

log = structlog.get_logger("questkeep.serve")


class FollowedRules(RulesEndpoint):
    """The first gateway's rules."""

    def __init__(self, rules: Rules, line: Line) -> None:
        super().__init__(rules)
        self._line = line

    async def reload(self, asked_by: str) -> Reloaded:
        """See `RulesEndpoint.reload`: the first does it, and has everybody show what came of it."""
        found = await self._line.call("reload_rules", asked_by)
        outcome = msgspec.convert(found, ReloadOutcome)
        if outcome.reloaded is None:
            raise InvalidRules(outcome.problems)
        return outcome.reloaded


class Further:
    """The gateway, as the first one calls it."""

    def __init__(self) -> None:
        self.answerers: Answerers = {
            "begin": self._begin,
            "show_rules": self._show_rules,
            "listen": self._listen,
            "counts": self._counts,
            "drain": self._drain,
            "stop": self._stop,
        }

    async def run(self, end: socket.socket) -> NoReturn:
        """Serve until the line is cut."""
        self._line = await Line.open(end, self.answerers)
        await self._line.closed.wait()
        # At once: hosts end with the first gateway, and what was accepted is answered or lost.
        os._exit(0)

    async def _begin(self, content: Any) -> None:
        begin = msgspec.convert(content, Begin)
        settings = Settings(**begin.settings)
        configure_logs(settings.log_level, settings.log_format, begin.number)
        token_keys = keys(Signing(begin.secret), settings)
        if isinstance(token_keys, KeySet):
            try:
                await token_keys.load()
            except JwksError as error:
                log.error("the key set could not be fetched", reason=str(error))
        self._cluster = RemoteHosts(
            begin.hosts, self._find_host, ask_timeout_seconds=settings.ask_timeout_seconds
        )
        self._rules = FollowedRules(compile_rules(begin.rules_text), self._line)
        self._app = make_app(settings, token_keys, self._cluster, self._rules)
        self._app.metrics_text = self._metrics_text
        self._listener = Listener(self._app.answer, begin.address)

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
        self._app.draining = True
        settled = await self._app.wait_idle(seconds)
        await self._cluster.drain()
        return settled

    async def _stop(self, _: None) -> None:
        await self._listener.stop()

    async def _find_host(self, slot: int) -> HostAddress:
        try:
            found = msgspec.convert(await self._line.call("find_host", slot), HostFound)
        except (LineCut, LineFailed) as error:
            raise HostGone(str(error)) from error
        if found.unavailable:
            raise UserUnavailable(found.unavailable)
        if found.where is None:
            raise HostGone(found.gone)
        return found.where

    async def _metrics_text(self) -> bytes:
        text: bytes = await self._line.call("metrics_text")
        return text


def run(descriptor: int) -> None:
    """The whole life of the process; `descriptor` is its end of the line."""
    # A terminal sends them to everybody: the first gateway answers for all.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    configure_logs("info", "console")  # until the first says how
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Further().run(socket.socket(fileno=descriptor)))
