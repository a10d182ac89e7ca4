"""The workers of a server, as the primary starts them, watches them and ends them.

Each is a process at the other end of an IPC channel (`ipc`).  One that dies is started again.  What
the primary knows and they need (where hosts are, the rules in force) they ask for or are told; what
they counted is asked for when somebody reads it, and kept when they die.

With none of them everything here does nothing, so that one gateway is no special case.

Not for: what a worker does (`worker`).
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import msgspec
import structlog

from actors.backoff import Backoff
from actors.cluster.remote_hosts import FindHost
from actors.cluster.rules_broadcast import tell_until_newest
from actors.errors import AskAgain, HostGone
from actors.monitoring.cluster_status import ClusterStatus
from domain.rules.compiled_rules import InvalidRules
from gateway.api.operations.cluster_endpoint import ClusterView
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.metrics.counters import EMPTY, Metrics, MetricsSnapshot, total, without_gauges
from gateway.metrics.prometheus import as_text
from gateway.server.ipc import Handlers, IpcChannel, PeerGone, RemoteError
from gateway.server.ipc_messages import HostLookup, ReloadOutcome, WorkerConfig
from gateway.settings import WrongSettings
from questkeep_launcher import ROOT

log = structlog.get_logger("questkeep.serve")

START_SECONDS = 30.0
CALL_SECONDS = 5.0
COUNTS_SECONDS = 1.0
STOP_SECONDS = 6.0
PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 5.0
"""Between two starts of a gateway that dies again and again."""
STABLE_SECONDS = 1.0
"""A worker that lived for this long did not die of its start."""

# The path is handed over because only the primary knows how it found what it imports; our
# own packages come from where its own come from, whatever else on that path has their names.
_COMMAND = "import sys; sys.path[:] = sys.argv[2:]; import questkeep_launcher; del sys.path[0]; "
_COMMAND += "from gateway.server.worker import run; run(int(sys.argv[1]))"


class CannotStartWorker(Exception):
    """A worker does not come up.  The message is one sentence."""


class _RunningWorker:
    """One life of a worker."""

    def __init__(self, number: int, child: subprocess.Popen[bytes], channel: IpcChannel) -> None:
        self.number = number
        self.child = child
        self.channel = channel
        self.counts = EMPTY
        self.listening = False

    async def end(self) -> int:
        """Make sure that it is gone; its exit code."""
        self.channel.close()
        self.child.kill()
        return await asyncio.to_thread(self.child.wait)


class Supervisor:
    """The workers; the primary is this process.

    Args:
        own: what the primary counted.
        rules: the primary's.
        health: as `App.health`, for all gateways.
        cluster: likewise.
    """

    def __init__(
        self,
        own: Metrics,
        rules: RulesEndpoint,
        health: Callable[[], Awaitable[str]],
        cluster: ClusterView,
    ) -> None:
        self._cluster = cluster
        self._own = own
        self._health = health
        self._rules = rules
        self._running: dict[int, _RunningWorker] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._stopping = False
        self._hosts_going = False
        self._past = EMPTY

    async def start(self, count: int, config: WorkerConfig, find_host: FindHost) -> None:
        """Start `count` of them; return once every one accepts connections.

        Args:
            config: what all of them are told; each gets its own number, and the rules in force.
            find_host: where a host listens.

        Raises:
            CannotStartWorker: one does not; stop the others.
        """
        self._config = config
        self._rules_text = config.rules_text
        self._find_host = find_host
        started = await asyncio.gather(
            *(self._start(2 + n) for n in range(count)), return_exceptions=True
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome
            self._watches.append(asyncio.create_task(self._watch(outcome)))

    async def show_rules(self, text: str) -> None:
        """Have every one show these rules; one that cannot be told is replaced by one that does."""
        self._rules_text = text
        await asyncio.gather(*(self._tell_rules(worker) for worker in list(self._running.values())))

    async def metrics_text(self) -> bytes:
        """What all gateways counted, together."""
        running = [worker for _, worker in sorted(self._running.items())]
        await asyncio.gather(*(self._read_counts(worker) for worker in running))
        # One that died meanwhile is in the past already.
        alive = [worker for worker in running if self._running.get(worker.number) is worker]
        counts = total([self._own.snapshot(), self._past, *(worker.counts for worker in alive)])
        answering = {worker.number: worker.child.pid for worker in alive if worker.listening}
        return as_text(counts, {1: os.getpid(), **answering})

    async def drain(self, seconds: float) -> bool:
        """Have all of them begin nothing new and finish what they accepted; whether they did.

        From then on they are told of no host: those are about to go.
        """
        self._stopping = True
        drained = await self._call_all("drain", seconds, seconds + CALL_SECONDS)
        self._hosts_going = True
        return all(answer is True for answer in drained)

    async def stop(self) -> None:
        """Close their connections and end them."""
        self._stopping = True
        await self._call_all("stop", None, STOP_SECONDS)
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in list(self._running.values())))

    async def _call_all(self, name: str, content: Any, seconds: float) -> Iterable[Any]:
        """Every one's answer, or the exception that came in its place."""

        async def call(worker: _RunningWorker) -> Any:
            async with asyncio.timeout(seconds):
                return await worker.channel.call(name, content)

        return await asyncio.gather(
            *(call(worker) for worker in self._running.values()), return_exceptions=True
        )

    async def _start(self, number: int) -> _RunningWorker:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            child = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-c", _COMMAND, str(descriptor), ROOT, *sys.path],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the primary
            )
        worker = _RunningWorker(number, child, await IpcChannel.open(ours, self._handlers()))
        try:
            async with asyncio.timeout(START_SECONDS):
                problem = await self._configure(worker)
        except (PeerGone, RemoteError, TimeoutError) as error:
            problem = f"it did not begin ({type(error).__name__} {error})."
        except BaseException:
            await self._give_up(worker)
            raise
        if problem:
            await self._give_up(worker)
            raise CannotStartWorker(f"Gateway {number}: {problem}")
        return worker

    async def _configure(self, worker: _RunningWorker) -> str:
        """Empty once it accepts connections, or a sentence on why it does not."""
        config = msgspec.structs.replace(
            self._config, number=worker.number, rules_text=self._rules_text
        )
        await worker.channel.call("configure", config)
        self._running[worker.number] = worker  # told of new rules from here on
        await self._tell_rules(worker)
        problem: str = await worker.channel.call("listen")
        worker.listening = not problem
        return problem

    async def _give_up(self, worker: _RunningWorker) -> None:
        self._running.pop(worker.number, None)
        await worker.end()

    async def _watch(self, worker: _RunningWorker) -> None:
        """Start it again whenever it dies."""
        backoff = Backoff(PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await worker.channel.closed.wait()
            del self._running[worker.number]
            self._past = total([self._past, without_gauges(worker.counts)])
            exit_code = await worker.end()
            if loop.time() - began > STABLE_SECONDS:
                backoff.reset()
            while not self._stopping:
                log.warning(
                    "a gateway is started again", gateway=worker.number, exit_code=exit_code
                )
                await asyncio.sleep(backoff.next_seconds())
                try:
                    worker = await self._start(worker.number)
                    if self._stopping:
                        worker.channel.close()  # it came too late to be drained
                    break
                except CannotStartWorker as error:
                    log.error("a gateway cannot be started", reason=str(error))
            else:
                return

    async def _tell_rules(self, worker: _RunningWorker) -> None:
        """Have it show the rules in force, also when they change meanwhile."""
        tell = partial(worker.channel.call, "show_rules")
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await tell_until_newest(tell, lambda: self._rules_text)
        except PeerGone:
            pass  # it died, and its successor begins with them
        except (RemoteError, TimeoutError):
            worker.child.kill()

    async def _read_counts(self, worker: _RunningWorker) -> None:
        """Its newest counts; where it does not answer, the last ones go on counting."""
        try:
            async with asyncio.timeout(COUNTS_SECONDS):
                worker.counts = msgspec.convert(
                    await worker.channel.call("counts"), MetricsSnapshot
                )
        except (PeerGone, RemoteError, TimeoutError):
            log.debug("a gateway did not tell its counts", gateway=worker.number)

    def _handlers(self) -> Handlers:
        return {
            "find_host": self._answer_find_host,
            "reload_rules": self._answer_reload_rules,
            "metrics_text": self._answer_metrics_text,
            "health": self._answer_health,
            "cluster_status": self._answer_cluster_status,
            "host_name": self._cluster.host_name,
        }

    async def _answer_find_host(self, slot: int) -> HostLookup:
        if self._hosts_going:
            return HostLookup(unavailable="the server is going down")
        try:
            return HostLookup(await self._find_host(slot))
        except HostGone as error:
            return HostLookup(gone=str(error) or "gone")
        except AskAgain as error:
            return HostLookup(unavailable=str(error) or error.code)

    async def _answer_reload_rules(self, asked_by: str) -> ReloadOutcome:
        try:
            return ReloadOutcome(await self._rules.reload(asked_by))
        except (InvalidRules, WrongSettings) as error:
            return ReloadOutcome(problems=error.problems)

    async def _answer_health(self, _: None) -> str:
        return await self._health()

    async def _answer_cluster_status(self, _: None) -> ClusterStatus:
        return await self._cluster.status()

    async def _answer_metrics_text(self, _: None) -> bytes:
        return await self.metrics_text()
