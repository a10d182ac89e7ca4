"""`questkeep serve`: puts the parts together, runs them, and takes them down in order.

Start: what can be wrong is checked first (rules, tokens, address, store), the slow cluster comes
last.  Stop: nothing new is begun, what was accepted is finished, every user is snapshotted; a
second signal leaves at once, which loses nothing that was acknowledged.

Not for: settings (`settings`) or the command line (`cli`).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from rich.console import Console

from actors.cluster.contract import Cluster
from actors.cluster.remote_hosts import HostLocator
from actors.errors import ClusterError
from actors.gc_tuning import collect_rarely
from actors.host.settings import HostSettings
from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from gateway.api.app import App, make_app
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import JwksError
from gateway.auth.tokens import Signing, keys, signing
from gateway.http.listener import Address, CannotListen, Listener, free_address
from gateway.options import SECRETS
from gateway.server.clusters import cluster_of
from gateway.server.event_loop import loop_factory
from gateway.server.ipc_messages import WorkerConfig
from gateway.server.logs import configure_logs
from gateway.server.rules_reload import ServedRules, reload_on_hangup
from gateway.server.startup_banner import print_banner
from gateway.server.supervisor import CannotStartWorker, Supervisor
from gateway.settings import (
    Settings,
    WrongSettings,
    credentials_warning,
    forget_secrets,
    rules_text,
)
from persistence.disk.lock import lock_store
from persistence.errors import StorageError
from persistence.open import file_root, open_store, probe

EXIT_FAILED = 1
EXIT_INTERRUPTED = 128
SAME_SIGNAL_SECONDS = 0.3

ClusterFactory = Callable[[Settings, HostSettings], Cluster]

_log = structlog.get_logger("questkeep.serve")


class CannotStart(Exception):
    """The server cannot start.  The message says what was found and what to do."""


class _Checked(Struct):
    """What is checked before anything slow begins."""

    settings: Settings
    rules: Rules
    host_settings: HostSettings
    signing: Signing
    address: Address


def serve(settings: Settings, make_cluster: ClusterFactory = cluster_of) -> int:
    """Run until a signal; the process's exit code.

    Raises:
        WrongSettings, CannotStart: nothing was started.
    """
    forget_secrets()
    configure_logs(settings.log_level, settings.log_format)
    console = Console(highlight=False)
    with ExitStack() as held:
        checked = _prepare(settings, held)
        cluster = make_cluster(settings, checked.host_settings)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_run(checked, cluster, console))


def _prepare(settings: Settings, held: ExitStack) -> _Checked:
    """Check everything that is quick to check; the store's lock is left in `held`."""
    text = rules_text(settings)
    try:
        rules = compile_rules(text)
    except InvalidRules as error:
        where = settings.rules or "the default rules"
        raise WrongSettings([f"{where}: {problem}." for problem in error.problems]) from None
    how_signed = signing(settings)
    try:
        address = free_address(settings.host, settings.port)
        if settings.store.startswith("file:"):
            held.enter_context(lock_store(file_root(settings.store), address.url))
    except (CannotListen, StorageError) as error:
        raise CannotStart(str(error)) from None
    host_settings = HostSettings(
        store_url=settings.store,
        rules_text=text,
        receipt_window=settings.receipt_window,
        mailbox_depth_max=settings.mailbox_depth_max,
        idle_seconds=settings.idle_seconds,
        snapshot_every=settings.snapshot_every,
        limits=settings.limits,
    )
    return _Checked(settings, rules, host_settings, how_signed, address)


async def _run(checked: _Checked, cluster: Cluster, console: Console) -> int:
    settings = checked.settings
    stop = _StopSignals(console)
    stop.listen()
    token_keys = keys(checked.signing, settings)
    await _load_keys(token_keys, settings)
    await _start_cluster(settings, cluster, console)
    stop.listen()  # again: Ray may have put handlers of its own in place

    async def broadcast(text: str) -> None:
        await cluster.change_rules(text)
        await supervisor.show_rules(text)

    rules = ServedRules(checked.rules, partial(rules_text, settings), broadcast)
    app = make_app(settings, token_keys, cluster, rules)
    supervisor = Supervisor(app.metrics, rules)
    app.metrics_text = supervisor.metrics_text
    listener = Listener(app.answer, checked.address, settings.address_connections_max)
    try:
        await listener.start()
        await _start_workers(supervisor, checked, cluster)
    except (CannotListen, CannotStartWorker) as error:
        await supervisor.stop()
        await cluster.drain()
        raise CannotStart(str(error)) from None
    capacity = cluster.capacity()
    url = checked.address.url
    print_banner(console, url, settings, checked.signing, capacity, checked.rules)
    collect_rarely()
    app.ready = True
    stop.running = True
    reload_on_hangup(rules)
    failure = await _until_stop(stop, cluster)
    await _drain(app, supervisor, cluster, settings.drain_seconds, console)
    await asyncio.gather(listener.stop(), supervisor.stop())
    console.print("Stopped.")
    return EXIT_FAILED if failure else 0


async def _until_stop(stop: "_StopSignals", cluster: Cluster) -> str:
    """Wait for a signal (empty), or until nobody can be served any more (one sentence)."""
    requested = asyncio.create_task(stop.requested.wait())
    failed = asyncio.create_task(cluster.failed())
    try:
        await asyncio.wait([requested, failed], return_when=asyncio.FIRST_COMPLETED)
        if requested.done():
            return ""
        failure = failed.result()
        _log.error("nobody can be served any more; this server ends", reason=failure)
        return failure
    finally:
        requested.cancel()
        failed.cancel()


async def _start_workers(supervisor: Supervisor, checked: _Checked, cluster: Cluster) -> None:
    """Start the workers, if there are to be any.  Raises `CannotStartWorker`."""
    if checked.settings.gateways == 1:
        return
    assert isinstance(cluster, HostLocator), "the settings allow several with packed hosts only"
    config = WorkerConfig(
        number=1,
        settings=checked.settings.model_dump(mode="json", exclude=set(SECRETS), exclude_none=True),
        secret=checked.signing.secret,
        address=checked.address,
        rules_text=checked.host_settings.rules_text,
        hosts=cluster.hosts,
    )
    await supervisor.start(checked.settings.gateways - 1, config, cluster.find)


async def _load_keys(token_keys: Any, settings: Settings) -> None:
    """A key file has to be right from the start; a provider that is down now may come back."""
    if not isinstance(token_keys, KeySet):
        return
    try:
        await token_keys.load()
    except JwksError as error:
        if settings.jwks is None or not settings.jwks.startswith("http"):
            raise WrongSettings([f"jwks is {settings.jwks}, but {error}."]) from None
        _log.error("the key set could not be fetched", reason=str(error))


async def _start_cluster(settings: Settings, cluster: Cluster, console: Console) -> None:
    try:
        with console.status("Starting …") if console.is_terminal else ExitStack():
            store = open_store(settings.store)
            if (warning := credentials_warning(settings.store)) is not None:
                console.print(warning)
            await probe(store)
            await store.close()
            await cluster.start()
    except (ClusterError, StorageError) as error:
        raise CannotStart(str(error)) from None


async def _drain(
    app: App, supervisor: Supervisor, cluster: Cluster, seconds: float, console: Console
) -> None:
    app.draining = True
    console.print("Stopping: finishing what was accepted (Ctrl-C again leaves at once).")
    if not all(await asyncio.gather(app.wait_idle(seconds), supervisor.drain(seconds))):
        _log.warning("requests were still being answered", waited_seconds=seconds)
    if not await _within(seconds, cluster.drain()):
        _log.warning(
            "not every user was snapshotted; the next start reads the journal",
            waited_seconds=seconds,
        )


async def _within(seconds: float, work: Coroutine[Any, Any, None]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True


class _StopSignals:
    """Signals: the first asks for a clean stop, any other ends the process where it stands.

    While the server is still starting there is nothing to finish, so the first one ends it too.
    One that follows at once is the same one: wrappers such as `timeout` deliver it twice.
    """

    def __init__(self, console: Console) -> None:
        self.requested = asyncio.Event()
        self.running = False
        self._console = console
        self._requested_at = 0.0

    def listen(self) -> None:
        """Take over SIGINT and SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        now = time.monotonic()
        if self.running and not self.requested.is_set():
            self._requested_at = now
            self.requested.set()
            return
        if now - self._requested_at < SAME_SIGNAL_SECONDS:
            return
        self._console.print("Left at once; what was acknowledged is kept.")
        sys.stdout.flush()
        os._exit(EXIT_INTERRUPTED + number)
