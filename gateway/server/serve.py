"""`questkeep serve`: puts the parts together and runs them.

What can be wrong is checked first (`preflight`), the slow cluster comes last; the end is `stop`'s.

Not for: settings (`settings`) or the command line (`cli`).
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import structlog

from actors.cluster.contract import Cluster, Failure
from actors.cluster.remote_hosts import HostLocator
from actors.errors import ClusterError
from actors.gc_tuning import collect_rarely
from actors.host.settings import HostSettings
from gateway.api.app import App
from gateway.api.operations.cluster_endpoint import OwnCluster
from gateway.http.listener import CannotListen, Listener
from gateway.options import SECRETS
from gateway.server.application import make_app
from gateway.server.clusters import cluster_of
from gateway.server.event_loop import loop_factory
from gateway.server.ipc_messages import WorkerConfig
from gateway.server.output.console import ServerConsole
from gateway.server.output.server_output import ServerOutput
from gateway.server.output.startup_banner import print_banner
from gateway.server.output.startup_steps import StartupSteps
from gateway.server.preflight import CannotStart, Checked, check, check_store, load_keys
from gateway.server.readiness import Readiness
from gateway.server.rules_reload import ServedRules, reload_on_hangup
from gateway.server.stop import Stop, StopSignals
from gateway.server.supervisor import CannotStartWorker, Supervisor
from gateway.settings import Settings
from gateway.settings_sources import credentials_warning, forget_secrets, rules_text
from persistence.errors import StorageError

EXIT_FAILED = 1
EXIT_TAKEN_OVER = 3
"""A supervisor had better not start it again: the two would take turns."""

ClusterFactory = Callable[[Settings, HostSettings], Cluster]

log = structlog.get_logger("questkeep.serve")


def serve(settings: Settings, make_cluster: ClusterFactory = cluster_of) -> int:
    """Run until a signal; the process's exit code.

    Raises:
        WrongSettings, CannotStart: nothing was started.
    """
    forget_secrets()
    output = ServerOutput.begin(settings.log_level, settings.log_format)
    console, flush = output.console, output.flush
    stop = Stop(settings.drain_seconds, flush)
    try:
        with ExitStack() as held:
            steps = StartupSteps(console)
            checked = check(settings, held)
            steps.done("rules, tokens and address are right")
            cluster = make_cluster(settings, checked.host_settings)
            return _run_in_loop(_run(checked, cluster, console, steps, stop))
    finally:
        stop.end()
        flush()


def _run_in_loop(work: Coroutine[Any, Any, int]) -> int:
    """What `work` returns, also where the event loop cannot be closed any more."""
    exit_code: int | None = None
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            exit_code = runner.run(work)
    except (OSError, RuntimeError) as error:
        if exit_code is None:
            raise
        log.debug("the event loop was not closed", reason=str(error))
    return exit_code


class _Running(NamedTuple):
    """The parts of a server that is ready."""

    app: App
    supervisor: Supervisor
    listener: Listener
    rules: ServedRules


async def _run(
    checked: Checked, cluster: Cluster, console: ServerConsole, steps: StartupSteps, stop: Stop
) -> int:
    signals = StopSignals(console, stop.flush)
    signals.listen()

    def stop_starting() -> None:
        stop.begin(0)
        console.print("Stopping, before it was ready (Ctrl-C again leaves at once).")

    started = await signals.unless_requested(
        _start(checked, cluster, console, steps), stop_starting
    )
    if started is None:
        console.print("Stopped.")
        return 0
    print_banner(console, checked, cluster.capacity())
    collect_rarely()
    started.app.ready = True
    reload_on_hangup(started.rules)
    failure = await _until_stop(signals, cluster)
    exit_code = 0 if failure is None else EXIT_TAKEN_OVER if failure.taken_over else EXIT_FAILED
    stop.begin(exit_code)
    console.print("Stopping: finishing what was accepted (Ctrl-C again leaves at once).")
    await stop.run(started.app, started.supervisor, cluster, started.listener)
    console.print("Stopped.")
    return exit_code


async def _start(
    checked: Checked, cluster: Cluster, console: ServerConsole, steps: StartupSteps
) -> _Running:
    """Start the parts, the slow cluster last; what was started ends again if one does not."""
    settings = checked.settings
    token_keys = await load_keys(checked)
    if (warning := credentials_warning(settings.store)) is not None:
        console.print(warning)
    with steps.step(f"the store {settings.store} keeps its promises"):
        await check_store(settings)
    with steps.step(f"users can live here ({settings.placement} placement)"):
        await _start_cluster(cluster)

    async def broadcast(text: str) -> None:
        await cluster.change_rules(text)
        await supervisor.show_rules(text)

    rules = ServedRules(checked.rules, partial(rules_text, settings), broadcast)
    app = make_app(settings, token_keys, cluster, rules, checked.signing.development_secret)
    app.health = Readiness(cluster.health).problem
    app.cluster.view = OwnCluster(cluster)
    supervisor = Supervisor(app.metrics, rules, app.health, app.cluster.view)
    app.metrics_text = supervisor.metrics_text
    listener = Listener(app.answer, checked.address, settings.address_connections_max)
    try:
        await listener.start()
        await _start_workers(supervisor, checked, cluster)
    except BaseException as error:
        await supervisor.stop()
        await cluster.drain()
        if isinstance(error, CannotListen | CannotStartWorker):
            raise CannotStart(str(error)) from None
        raise
    return _Running(app, supervisor, listener, rules)


async def _start_cluster(cluster: Cluster) -> None:
    try:
        await cluster.start()
    except (ClusterError, StorageError) as error:
        raise CannotStart(str(error)) from None


async def _until_stop(signals: StopSignals, cluster: Cluster) -> Failure | None:
    """Wait for a signal (None), or until nobody can be served any more."""
    requested = asyncio.create_task(signals.requested.wait())
    failed = asyncio.create_task(cluster.failed())
    try:
        await asyncio.wait([requested, failed], return_when=asyncio.FIRST_COMPLETED)
        if requested.done():
            return None
        failure = failed.result()
        log.error("nobody can be served any more; this server ends", reason=failure.reason)
        return failure
    finally:
        requested.cancel()
        failed.cancel()


async def _start_workers(supervisor: Supervisor, checked: Checked, cluster: Cluster) -> None:
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
        development=checked.signing.development,
    )
    await supervisor.start(checked.settings.gateways - 1, config, cluster.find)
