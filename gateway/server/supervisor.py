"""The further gateways of a server, as the first one starts them, watches them and ends them.

Each is a process at the other end of a line (`line`).  One that dies is started again.  What the
first knows and they need (where hosts are, the rules in force) they ask for or are told; what they
counted is asked for when somebody reads it, and kept when they die.

With none of them everything here does nothing, so that one gateway is no special case.

Not for: what a further gateway does (`further`).
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from actors.cluster.remote_hosts import FindHost
from actors.errors import AskAgain, HostGone
from domain.rules.compiled_rules import InvalidRules
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.metrics.counters import EMPTY, Metrics, MetricsSnapshot, total, without_gauges
from gateway.metrics.prometheus import as_text
from gateway.server.ipc import Answerers, Line, LineCut, LineFailed
from gateway.server.ipc_messages import Begin, HostFound, ReloadOutcome
from gateway.settings import WrongSettings
from questkeep_launcher import ROOT

log = structlog.get_logger("questkeep.serve")

BEGIN_SECONDS = 30.0
TELL_SECONDS = 5.0
COUNTS_SECONDS = 1.0
STOP_SECONDS = 6.0
PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 5.0
"""Between two starts of a gateway that dies again and again."""
SETTLED_SECONDS = 1.0
"""One that lived for this long did not die of its start."""

# The path is handed over because only the first process knows how it found what it imports; our
# own packages come from where its own come from, whatever else on that path has their names.
_COMMAND = "import sys; sys.path[:] = sys.argv[2:]; import questkeep_launcher; del sys.path[0]; "
_COMMAND += "from gateway.server.worker import run; run(int(sys.argv[1]))"


class CannotBegin(Exception):
    """A further gateway does not come up.  The message is one sentence."""


class _Gateway:
    """One life of a further gateway."""

    def __init__(self, number: int, child: subprocess.Popen[bytes], line: Line) -> None:
        self.number = number
        self.child = child
        self.line = line
        self.counts = EMPTY
        self.listening = False

    async def end(self) -> int:
        """Make sure that it is gone; its exit code."""
        self.line.close()
        self.child.kill()
        return await asyncio.to_thread(self.child.wait)


class Gateways:
    """The further gateways; the first is this process.

    Args:
        own: what the first counted.
        rules: the first's.
    """

    def __init__(self, own: Metrics, rules: RulesEndpoint) -> None:
        self._own = own
        self._rules = rules
        self._running: dict[int, _Gateway] = {}
        self._watching: list[asyncio.Task[None]] = []
        self._stopping = False
        self._hosts_going = False
        self._past = EMPTY

    async def start(self, count: int, begin: Begin, find_host: FindHost) -> None:
        """Start `count` of them; return once every one accepts connections.

        Args:
            begin: what all of them are told; each gets its own number, and the rules in force.
            find_host: where a host listens.

        Raises:
            CannotBegin: one does not; stop the others.
        """
        self._begin = begin
        self._rules_text = begin.rules_text
        self._find_host = find_host
        started = await asyncio.gather(
            *(self._start(2 + n) for n in range(count)), return_exceptions=True
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome
            self._watching.append(asyncio.create_task(self._watch(outcome)))

    async def show_rules(self, text: str) -> None:
        """Have every one show these rules; one that cannot be told is replaced by one that does."""
        self._rules_text = text
        await asyncio.gather(*(self._tell_rules(one) for one in list(self._running.values())))

    async def metrics_text(self) -> bytes:
        """What all gateways counted, together."""
        running = [one for _, one in sorted(self._running.items())]
        await asyncio.gather(*(self._read_counts(one) for one in running))
        # One that died meanwhile is in the past already.
        alive = [one for one in running if self._running.get(one.number) is one]
        counts = total([self._own.snapshot(), self._past, *(one.counts for one in alive)])
        answering = {one.number: one.child.pid for one in alive if one.listening}
        return as_text(counts, {1: os.getpid(), **answering})

    async def drain(self, seconds: float) -> bool:
        """Have all of them begin nothing new and finish what they accepted; whether they did.

        From then on they are told of no host: those are about to go.
        """
        self._stopping = True
        drained = await self._call_all("drain", seconds, seconds + TELL_SECONDS)
        self._hosts_going = True
        return all(answer is True for answer in drained)

    async def stop(self) -> None:
        """Close their connections and end them."""
        self._stopping = True
        await self._call_all("stop", None, STOP_SECONDS)
        for watching in self._watching:
            watching.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await asyncio.gather(*(one.end() for one in list(self._running.values())))

    async def _call_all(self, name: str, content: Any, seconds: float) -> Iterable[Any]:
        """Every one's answer, or the exception that came in its place."""

        async def call(one: _Gateway) -> Any:
            async with asyncio.timeout(seconds):
                return await one.line.call(name, content)

        return await asyncio.gather(
            *(call(one) for one in self._running.values()), return_exceptions=True
        )

    async def _start(self, number: int) -> _Gateway:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            child = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-c", _COMMAND, str(descriptor), ROOT, *sys.path],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the first
            )
        one = _Gateway(number, child, await Line.open(ours, self._answerers()))
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                problem = await self._bring_up(one)
        except (LineCut, LineFailed, TimeoutError) as error:
            problem = f"it did not begin ({type(error).__name__} {error})."
        except BaseException:
            await self._give_up(one)
            raise
        if problem:
            await self._give_up(one)
            raise CannotBegin(f"Gateway {number}: {problem}")
        return one

    async def _bring_up(self, one: _Gateway) -> str:
        """Empty once it accepts connections, or a sentence on why it does not."""
        begin = msgspec.structs.replace(self._begin, number=one.number, rules_text=self._rules_text)
        await one.line.call("begin", begin)
        self._running[one.number] = one  # told of new rules from here on
        await self._tell_rules(one)
        problem: str = await one.line.call("listen")
        one.listening = not problem
        return problem

    async def _give_up(self, one: _Gateway) -> None:
        self._running.pop(one.number, None)
        await one.end()

    async def _watch(self, one: _Gateway) -> None:
        """Start it again whenever it dies."""
        pause = PAUSE_SECONDS_MIN
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await one.line.closed.wait()
            del self._running[one.number]
            self._past = total([self._past, without_gauges(one.counts)])
            exit_code = await one.end()
            if loop.time() - began > SETTLED_SECONDS:
                pause = PAUSE_SECONDS_MIN
            while not self._stopping:
                log.warning("a gateway is started again", gateway=one.number, exit_code=exit_code)
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
                try:
                    one = await self._start(one.number)
                    if self._stopping:
                        one.line.close()  # it came too late to be drained
                    break
                except CannotBegin as error:
                    log.error("a gateway cannot be started", reason=str(error))
            else:
                return

    async def _tell_rules(self, one: _Gateway) -> None:
        """Have it show the rules in force, also when they change meanwhile."""
        told = None
        try:
            async with asyncio.timeout(TELL_SECONDS):
                while told != self._rules_text:
                    told = self._rules_text
                    await one.line.call("show_rules", told)
        except LineCut:
            pass  # it died, and its successor begins with them
        except (LineFailed, TimeoutError):
            one.child.kill()

    async def _read_counts(self, one: _Gateway) -> None:
        """Its newest counts; where it does not answer, the last ones go on counting."""
        try:
            async with asyncio.timeout(COUNTS_SECONDS):
                one.counts = msgspec.convert(await one.line.call("counts"), MetricsSnapshot)
        except (LineCut, LineFailed, TimeoutError):
            log.debug("a gateway did not tell its counts", gateway=one.number)

    def _answerers(self) -> Answerers:
        return {
            "find_host": self._answer_find_host,
            "reload_rules": self._answer_reload_rules,
            "metrics_text": self._answer_metrics_text,
        }

    async def _answer_find_host(self, slot: int) -> HostFound:
        if self._hosts_going:
            return HostFound(unavailable="the server is going down")
        try:
            return HostFound(await self._find_host(slot))
        except HostGone as error:
            return HostFound(gone=str(error) or "gone")
        except AskAgain as error:
            return HostFound(unavailable=str(error) or error.code)

    async def _answer_reload_rules(self, asked_by: str) -> ReloadOutcome:
        try:
            return ReloadOutcome(await self._rules.reload(asked_by))
        except (InvalidRules, WrongSettings) as error:
            return ReloadOutcome(problems=error.problems)

    async def _answer_metrics_text(self, _: None) -> bytes:
        return await self.metrics_text()
