"""What goes wrong with a server's processes, brought about for the 3 a.m. table."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.logs.host_events import relay
from domain.rules.compiled_rules import compile_rules
from gateway.api.cross_origin import CrossOrigin
from gateway.auth.tokens import Signing
from gateway.metrics.counters import EMPTY
from gateway.problems import Problem
from gateway.server import supervisor
from gateway.server.ipc import IpcChannel, RemoteError
from gateway.server.preflight import Checked, load_keys
from gateway.server.readiness import Readiness
from gateway.server.rules_reload import ServedRules
from gateway.server.stop import Stop
from gateway.server.supervisor import CannotStartWorker, Supervisor
from gateway.settings import WrongSettings
from gateway.settings_sources import load
from tests.actors.host_kit import RULES_TEXT
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, ScriptedCluster
from tests.operations.page_kit import Patch


async def the_rules_file_is_broken(_: Path, __: Patch) -> None:
    def read() -> str:
        raise WrongSettings(["rules: it is gone."])

    async def nobody(_: str) -> None: ...

    await ServedRules(compile_rules(RULES_TEXT), read, nobody).reload_on_signal()


async def a_host_does_not_take_rules(_: Path, __: Patch) -> None:
    async def broken(_: str) -> None:
        raise RuntimeError("a host is gone")

    rules = ServedRules(compile_rules(RULES_TEXT), lambda: RULES_TEXT, broken)
    await rules.reload_on_signal()


async def a_bug(_: Path, __: Patch) -> None:
    await gateway_kit.gateway(ScriptedCluster(RuntimeError("a bug"))).send(ACKNOWLEDGE)


async def a_page_of_somebody_else_calls(_: Path, __: Patch) -> None:
    headers = {b"origin": b"https://elsewhere.example", b"host": b"game.example"}
    with pytest.raises(Problem):
        CrossOrigin([]).check(headers)


async def nobody_is_served(_: Path, __: Patch) -> None:
    async def health() -> str:
        return "the store is away"

    await Readiness(health).problem()


async def readiness_is_broken(_: Path, __: Patch) -> None:
    async def health() -> str:
        raise RuntimeError("a bug")

    await Readiness(health).problem()


async def a_host_crashes(_: Path, __: Patch) -> None:
    relay(["Fatal Python error: Segmentation fault"], "process 7 on 10.0.0.7")


async def gateways_misunderstand_each_other(_: Path, __: Patch) -> None:
    ours, theirs = socket.socketpair()
    channels = [await IpcChannel.open(end, {}) for end in (ours, theirs)]
    with pytest.raises(RemoteError):
        await channels[0].call("nobody")
    for channel in channels:
        channel.close()
    ours, theirs = socket.socketpair()
    channel = await IpcChannel.open(ours, {})
    with theirs:
        theirs.sendall(b"\xff" * 4)
        await channel.closed.wait()


async def the_key_provider_is_away(_: Path, __: Patch) -> None:
    parts: Any = None
    settings = load({"jwks": "http://127.0.0.1:1/keys.json"}).settings
    await load_keys(Checked(settings, parts, parts, Signing(None), parts))


class BusyApp:
    """An app whose requests are never all answered."""

    def drain(self) -> None: ...

    async def wait_idle(self, _: float) -> bool:
        return False


class Workers:
    """Supervisor and listener of a server that has nothing else to finish."""

    async def drain(self, _: float) -> bool:
        return True

    async def stop(self) -> None: ...


class Undrainable:
    """A cluster whose drain fails."""

    async def drain(self) -> None:
        raise RuntimeError("a bug")


async def a_stop_goes_wrong(_: Path, __: Patch) -> None:
    app: Any = BusyApp()
    workers: Any = Workers()
    cluster: Any = Undrainable()
    await Stop(0.0, lambda: None).run(app, workers, cluster, workers)


def worker(alive: bool) -> Any:
    """A worker that answers, or one that has died just now."""
    closed = asyncio.Event()
    if not alive:
        closed.set()

    async def call(*_: Any) -> None: ...

    async def end() -> int:
        return -9

    channel = SimpleNamespace(closed=closed, call=call, close=closed.set)
    return SimpleNamespace(number=2, counts=EMPTY, channel=channel, end=end)


async def a_gateway_dies_and_cannot_be_started_at_once(_: Path, patch: Patch) -> None:
    lives = iter([worker(alive=False), CannotStartWorker("no memory."), worker(alive=True)])
    runs_again = asyncio.Event()
    parts: Any = SimpleNamespace(rules_text="")
    workers = Supervisor(parts, parts, parts, parts)

    async def start(number: int) -> Any:
        life = next(lives)
        if isinstance(life, Exception):
            raise life
        workers._running[number] = life
        if not life.channel.closed.is_set():
            runs_again.set()
        return life

    patch.setattr(workers, "_start", start)
    patch.setattr(supervisor, "PAUSE_SECONDS_MIN", 0.001)
    await workers.start(1, parts, parts)
    await runs_again.wait()
    await workers.stop()
