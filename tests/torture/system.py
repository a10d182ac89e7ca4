"""System under test: one store, one host at a time, many clients, and an audit between hosts.

Not for: deciding how hosts die (`kills`, `failover`, `disk_faults`).
"""

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgpack
import msgspec

from actors.messages import Media, Read, Reply, View
from tests.torture.checker import ASK_AGAIN, Checker
from tests.torture.clients import PAUSE_SECONDS, Client, Router
from tests.torture.history import UserHistory
from tests.torture.host_child import CRASHED_EXIT
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.plan import Plan

NEWEST_CHECKED = 8
PATIENCE_SECONDS = 20.0
_READS_AT_ONCE = 100


class Unserved(Exception):
    """A host that ought to serve did not, for a minute."""


class SystemUnderTest:
    """`plan` configures every host; all dice come from `seed`."""

    def __init__(
        self, plan: Plan, seed: int, *, clients: int = 50, commands_per_user: int = 60
    ) -> None:
        self.plan = plan
        self.dice = random.Random(seed)
        self.checker = Checker()
        self.router = Router()
        self.hosts_started = 0
        self.patience_seconds = PATIENCE_SECONDS
        self.recovery_seconds: list[float] = []
        self._died_at: float | None = None
        self.clients = [
            Client(
                f"k{number}",
                partial("u{}-g{}".format, number // 2),
                self.checker,
                self.router,
                random.Random(self.dice.random()),
                commands_per_user,
            )
            for number in range(clients)
        ]
        self._running: list[asyncio.Task[None]] = []
        self._hosts: list[HostProcess] = []

    async def __aenter__(self) -> Self:
        self._running = [asyncio.create_task(client.run()) for client in self.clients]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for host in self._hosts:
            await host.end()

    async def start_host(self, action: str = "", step: str = "", arrival: int = 0) -> HostProcess:
        """Start a host, let it be audited or not, and send the clients to it."""
        host = await self.start_idle_host()
        try:
            if step:
                await host.order("arm", [action, step, arrival])
            if self.audit_now():
                await self.audit(host)
        except HostDied:
            pass
        await self.router.route_to(host)
        return host

    def audit_now(self) -> bool:
        """Half of the time, so that both auditors and clients are the first to wake a host."""
        due = self.checker.audit_due(self.plan.settings.receipt_window)
        return self.dice.random() < 0.5 or due

    async def start_idle_host(self) -> HostProcess:
        """A host that nobody is sent to yet."""
        self.hosts_started += 1
        host = HostProcess(
            msgspec.structs.replace(self.plan, seed=self.hosts_started), self.hosts_started
        )
        await host.start()
        self._hosts = [one for one in self._hosts if not one.ended.is_set()] + [host]
        return host

    async def reap(self, host: HostProcess) -> None:
        """Wait until it is dead and everything it answered was read; nobody serves now."""
        await self.router.route_to(None)
        await host.end()
        if host.exit_code == CRASHED_EXIT:
            raise Unserved("the host crashed; its log says how")
        self._died_at = time.monotonic()

    async def answers(self, host: HostProcess, count: int) -> bool:
        """Return after so many more answers, or True when the host ended before."""
        until = self.router.answered + count
        began = time.monotonic()
        while self.router.answered < until and not host.ended.is_set():
            before = self.router.answered
            # Answers arrive hundreds a second: looking is cheaper than telling.
            await asyncio.sleep(0.001)
            if self._died_at is not None and self.router.answered > before:
                self.recovery_seconds.append(time.monotonic() - self._died_at)
                self._died_at = None
            for task in self._running:
                if task.done() and task.exception() is not None:
                    task.result()
            if time.monotonic() - began > self.patience_seconds:
                raise Unserved(f"{count} answers took more than {self.patience_seconds} s")
        return host.ended.is_set()

    async def ended_within(self, host: HostProcess, seconds: float) -> bool:
        """Whether the host ended by itself; after so many seconds it is killed."""
        try:
            await asyncio.wait_for(host.ended.wait(), seconds)
            return True
        except TimeoutError:
            host.tell_where_it_stands()
            await asyncio.sleep(0.1)
            await host.end()
            return False

    async def audit(self, host: HostProcess, full: bool = False) -> None:
        """With nothing on its way: is everything there that was acknowledged, and nothing else?

        Raises `HostDied` when the host dies of it.
        """
        histories = list(self.checker.histories.values())
        await asyncio.gather(*(self._audit_user(host, history, full) for history in histories))
        current = {client.user_id for client in self.clients}
        for history in histories:
            if history.user_id not in current and not history.pending:
                self.checker.retire_user(history.user_id)

    async def _audit_user(self, host: HostProcess, history: UserHistory, full: bool) -> None:
        window = self.plan.settings.receipt_window if full else NEWEST_CHECKED
        newest = max(history.by_version, default=0)
        acknowledged = [history.by_version[v] for v in range(newest, max(0, newest - window), -1)
                if v in history.by_version]  # fmt: skip
        operations = [*history.pending.values(), *acknowledged]
        keys = [operation.command_id for operation in operations]
        standing, *receipts = await self.ask_until_served(
            host,
            [Read(history.user_id, View.USER, "", Media.MSGPACK)]
            + [Read(history.user_id, View.COMMAND, key, Media.MSGPACK) for key in keys],
        )
        body = msgpack.unpackb(standing.body)
        forgotten = body["version"] - self.plan.settings.receipt_window
        for operation, reply in zip(operations, receipts, strict=True):
            if not reply.code:
                self.checker.acknowledge(operation, msgpack.unpackb(reply.body), host.number)
            elif operation.body is not None and operation.version > forgotten:
                what = f"version {operation.version} was acknowledged; its receipt: {reply.code}"
                self.checker.violate("lost", operation.user_id, operation.command_id, what)
            elif operation.abandoned:
                history.pending.pop(operation.command_id, None)
        self.checker.check_totals(history.user_id, body["version"], _total_xp(body))

    async def ask_until_served(self, host: HostProcess, reads: Sequence[Read]) -> list[Reply]:
        """Replies none of which says "ask again".  Raises `HostDied`, `Unserved`."""
        began = time.monotonic()
        while True:
            replies: list[Reply] = []
            for start in range(0, len(reads), _READS_AT_ONCE):
                part = host.ask(reads[start : start + _READS_AT_ONCE])
                try:
                    replies += await asyncio.wait_for(part, self.patience_seconds)
                except TimeoutError:
                    raise Unserved("reads have no answer") from None
            bad = [one for one in replies if one.code in ASK_AGAIN]
            if not bad:
                return replies
            hopeless = any(one.retry_after_ms is None for one in bad)
            if hopeless or time.monotonic() - began > self.patience_seconds:
                raise Unserved(f"{bad[0].code}: {bad[0].detail}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def finish(self) -> None:
        """Let every client end its command, then audit everything, warm and after a last kill."""
        for client in self.clients:
            client.stopping = True
        try:
            await asyncio.wait_for(asyncio.gather(*self._running), self.patience_seconds)
        except TimeoutError:
            raise Unserved("commands have no answer") from None
        for full in (True, False):
            await self.router.route_to(None)
            for host in self._hosts:
                await host.end()
            host = await self.start_idle_host()
            await self.audit(host, full)
        await self._audit_retired(host)

    async def _audit_retired(self, host: HostProcess) -> None:
        for user_id, expected in self.checker.retired_users.items():
            (reply,) = await self.ask_until_served(
                host, [Read(user_id, View.USER, "", Media.MSGPACK)]
            )
            body = msgpack.unpackb(reply.body)
            found = (body["version"], _total_xp(body))
            if found != expected:
                kind = "lost" if found < expected else "doubled"
                self.checker.violate(kind, user_id, "", f"settled as {expected}, found {found}")

    def keep(self, folder: Path, store: Path | None) -> None:
        """Keep what somebody needs to understand a failure."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [msgspec.json.encode(line) for line in self.checker.log]
        (folder / "log.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        found = msgspec.json.encode(self.checker.violations)
        (folder / "violations.json").write_bytes(msgspec.json.format(found) + b"\n")
        if store is not None and store.exists():
            shutil.copytree(store, folder / "store", dirs_exist_ok=True)
        if Path(self.plan.log).exists():
            shutil.copy(self.plan.log, folder / "hosts.log")


def _total_xp(body: dict[str, Any]) -> int:
    total: int = body["player_progression"]["total_xp"]
    return total
