"""The 3 a.m. table of docs/operations.md against lines that were provoked.

Each provocation brings about what the table says woke somebody; what is logged then has to be a row
of it, with the words that the row tells one to look for.  Lines that need Ray or processes are
asserted where those are tested (`ELSEWHERE`); what no test provokes is listed as that.
"""

import asyncio
import errno
import os
import re
import shutil
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.cluster.local import LocalCluster
from actors.feeds.feed import Feeds
from actors.feeds.subscription import Subscription
from actors.host.settings import HostSettings
from actors.logs.host_events import relay
from actors.messages import ReadChanges, View
from domain.rules.compiled_rules import compile_rules
from gateway.auth.tokens import Signing
from gateway.server.ipc import IpcChannel, RemoteError
from gateway.server.preflight import Checked, load_keys
from gateway.server.readiness import Readiness
from gateway.server.rules_reload import ServedRules
from gateway.server.stop import Stop
from gateway.settings import WrongSettings
from gateway.settings_sources import load
from persistence.disk import files
from persistence.disk.store import DiskStore
from persistence.errors import Unavailable
from persistence.memory import MemoryStore, MemoryStream, World
from tests.actors.host_kit import RULES_TEXT, Rig, ask, grant, look
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, ScriptedCluster
from tests.operations_kit import PAGE, ROOT, log_lines

Patch = pytest.MonkeyPatch
Provoke = Callable[[Path, Patch], Awaitable[None]]


def failing(number: int) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


async def on_disk(folder: Path, then: Callable[[], object]) -> None:
    """A user is served from a folder; then something happens; then the user asks again."""
    cluster = LocalCluster(HostSettings("file:", RULES_TEXT), DiskStore(folder / "store"))
    await cluster.start()
    await cluster.ask([grant("alice", "c1")])
    then()
    await cluster.ask([grant("alice", "c2")])
    await cluster.ask([grant("alice", "c2")])
    await cluster.drain()


async def the_disk_is_full(folder: Path, patch: Patch) -> None:
    await on_disk(folder, lambda: patch.setattr(files, "write_all", failing(errno.ENOSPC)))


async def the_disk_breaks(folder: Path, patch: Patch) -> None:
    await on_disk(folder, lambda: patch.setattr(files, "sync", failing(errno.EIO)))


async def the_store_is_removed(folder: Path, _: Patch) -> None:
    await on_disk(folder, lambda: shutil.rmtree(folder / "store"))


async def another_server_starts(_: Path, __: Patch) -> None:
    world = World()
    first, second = (
        LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(world)) for _ in range(2)
    )
    await first.start()
    await first.ask([grant("alice", "c1")])
    await second.start()
    await first.ask([grant("alice", "c2")])
    assert await first.health()
    assert first._ownership_check is not None
    await first._ownership_check
    for cluster in (first, second):
        await cluster.drain()


async def a_snapshot_cannot_be_written(_: Path, __: Patch) -> None:
    rig = Rig()
    await ask(rig.host, grant("alice", "c1"))
    rig.faults.snapshot_writes = 1
    await rig.host.drain()


async def a_user_cannot_be_read(_: Path, __: Patch) -> None:
    rig = Rig()
    rig.faults.reads = 10
    await ask(rig.host, grant("alice", "c1"))


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


async def a_journal_cannot_be_cut(_: Path, patch: Patch) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("the bucket is away")

    rig = Rig(checkpoint_bytes=1)
    patch.setattr(MemoryStream, "drop_through", away)
    await ask(rig.host, grant("alice", "c1"))
    await rig.host.drain()


async def old_history_is_out_of_reach(_: Path, __: Patch) -> None:
    rig = Rig()
    rig.faults.snapshot_writes = 1
    for number in range(600):
        await ask(rig.host, grant("alice", f"c{number}", 1))
    await rig.host.tasks.wait_idle()
    rig.faults.reads = 1
    await ask(rig.host, look("alice", View.HISTORY))


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


class BrokenListener:
    """A listener with a bug."""

    def changed(self, _: object) -> None:
        raise RuntimeError("a bug")

    def lost(self) -> None:
        raise RuntimeError("a bug")


async def a_listener_is_broken(_: Path, __: Patch) -> None:
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(World()))
    await cluster.start()
    cluster.watch("alice", BrokenListener())
    await cluster.ask([grant("alice", "c1")])
    await cluster.drain()
    feeds = Feeds(lambda _: None, lambda _: None)
    feeds.watch("alice", BrokenListener())
    feeds.lost()


class BrokenDirectory:
    """A directory with a bug, which nobody can read from."""

    async def ask(self, _: object) -> Any:
        raise RuntimeError("a bug")

    def watch(self, user_id: str, listener: Any) -> Any:
        return Feeds(lambda _: None, lambda _: None).watch(user_id, listener)


async def changes_are_out_of_reach(_: Path, __: Patch) -> None:
    failed = asyncio.Event()
    subscriber: Any = SimpleNamespace(failed=lambda _: failed.set())
    Subscription(BrokenDirectory(), ReadChanges("alice"), subscriber)
    await failed.wait()


PROVOKED: list[tuple[Provoke, str, str]] = [
    (the_disk_is_full, "journal lost", "No space left on device"),
    (the_disk_breaks, "journal lost", "Input/output error"),
    (the_store_is_removed, "journal lost", "is gone"),
    (the_store_is_removed, "a host cannot open", ""),
    (another_server_starts, "journal lost", "another incarnation"),
    (another_server_starts, "another server has taken over", ""),
    (a_snapshot_cannot_be_written, "snapshot failed", ""),
    (a_user_cannot_be_read, "user not loaded", ""),
    (the_rules_file_is_broken, "the rules stay as they are", ""),
    (a_host_does_not_take_rules, "the rules could not be handed to every host", ""),
    (a_bug, "a request failed", "request_id"),
    (nobody_is_served, "users are not served", ""),
    (readiness_is_broken, "readiness could not be checked", ""),
    (a_host_crashes, "a host printed", ""),
    (a_listener_is_broken, "a change was not handed on", ""),
    (a_listener_is_broken, "a listener was not told that changes may be missing", ""),
    (changes_are_out_of_reach, "changes could not be read", ""),
    (a_journal_cannot_be_cut, "checkpoint failed", ""),
    (a_journal_cannot_be_cut, "drain left the journal standing", ""),
    (old_history_is_out_of_reach, "a history page could not be stored", ""),
    (old_history_is_out_of_reach, "a history could not be read", ""),
    (gateways_misunderstand_each_other, "a call of another gateway could not be answered", ""),
    (gateways_misunderstand_each_other, "an IPC frame is too long", ""),
    (the_key_provider_is_away, "the key set could not be fetched", ""),
    (a_stop_goes_wrong, "requests were still being answered", ""),
    (a_stop_goes_wrong, "a step of the stop failed", ""),
    (a_stop_goes_wrong, "not every user was snapshotted", ""),
]

ELSEWHERE = {
    "a host died": "actors/cluster/test_host_watch.py",
    "a tool of Ray's ended": "end_to_end/test_ray_deaths.py",
    "connections cannot be accepted": "gateway/http/test_listener.py",
    "hosts of a dead node may find no room": "actors/cluster/test_room.py",
    "idle connections closed to make room": "gateway/http/test_listener.py",
    "nobody can be served any more": "end_to_end/test_ray_deaths.py",
    "the stop took too long and was cut short": "gateway/server/test_stop.py",
}

NOT_PROVOKED = {
    "Ray did not start and is tried once more",
    "a gateway cannot be started",
    "a gateway is started again",
    "a gateway sent no frame of ours",
    "a host goes: no gateway asks for it any more",
    "a host is not the one that was meant",
    "a host sent no frame of ours",
    "an actor cannot start",
    "an actor was gone before it could be drained",
    "an unauthenticated connection was refused",
    "log lines were lost",
    "the Ray cluster asks for no token",
}


def rows() -> list[str]:
    [table] = re.findall(r"^## At 3 a\.m\.\n(.*?)^### ", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [row for row in table.splitlines() if row.startswith("|")]


@pytest.mark.parametrize(("provoke", "line", "words"), PROVOKED)
async def test_what_wakes_somebody_is_a_row_with_the_words_that_were_logged(
    provoke: Provoke, line: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as events:
        await provoke(tmp_path, monkeypatch)
    logged = [event for event in events if event["event"].startswith(line)]
    assert logged, [event["event"] for event in events]
    assert any(words in repr(event) for event in logged), logged
    matching = [row for row in rows() if f"`{line}" in row]
    assert matching
    assert not words or any(words in row for row in matching)


def test_every_line_is_provoked_or_listed_as_not() -> None:
    provoked = {line for _, line, _ in PROVOKED}
    lines = {line.partition(";")[0] for line in log_lines()}
    assert lines == provoked | set(ELSEWHERE) | NOT_PROVOKED
    assert not (provoked | set(ELSEWHERE)) & NOT_PROVOKED


@pytest.mark.parametrize(("line", "file"), ELSEWHERE.items())
def test_where_it_says_the_line_is_asserted(line: str, file: str) -> None:
    assert line in (ROOT / "tests" / file).read_text(encoding="utf-8")
