"""What is dangerous or contradictory in a file for Ray's launcher, each with what to do: a table.

Ray's own schema accepts all of these.

Not for: reading the file (`launcher_file`).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cli.cluster.launcher_file import LauncherFile, NodeStart

RECONNECT_SECONDS_MIN = 120.0
"""A machine boots in less."""
PAUSE_SECONDS_MIN = 2.0
"""What a machine may pause, for its live migration or a busy moment, without being given up."""
GIVEN_UP_SECONDS_MAX = 20.0
"""Ray's own defaults take up to a minute; longer is an outage that nobody wants."""
_HEALTH = {
    "RAY_health_check_period_ms": 3_000.0,
    "RAY_health_check_timeout_ms": 10_000.0,
    "RAY_health_check_failure_threshold": 5.0,
}
"""With Ray's defaults."""
_RECONNECT = "RAY_gcs_rpc_server_reconnect_timeout_s"


class Finding(NamedTuple):
    """One thing to mend: a sentence on what is wrong, and one on what to do."""

    problem: str
    advice: str


Check = Callable[[LauncherFile], Iterator[Finding]]


def findings(file: LauncherFile) -> list[Finding]:
    """Everything that is found, in the order of the table."""
    return [finding for check in CHECKS for finding in check(file)]


def _starts(file: LauncherFile) -> Iterator[tuple[str, NodeStart]]:
    yield "head", file.head
    yield "worker", file.worker


def tokens(file: LauncherFile) -> Iterator[Finding]:
    """Without Ray's token whoever reaches its ports runs code on every node."""
    for kind, start in _starts(file):
        if start.variables.get("RAY_AUTH_MODE") != "token":
            yield Finding(
                f"The {kind}'s Ray asks for no token: whoever reaches its ports runs code there.",
                "Set RAY_AUTH_MODE=token where it is started.",
            )


def keys(file: LauncherFile) -> Iterator[Finding]:
    """The head logs in to the workers with the key that is named, and with no other."""
    auth = file.config.get("auth") or {}
    if file.config["provider"].get("type") == "local" and not auth.get("ssh_private_key"):
        yield Finding(
            "No auth.ssh_private_key: the head cannot log in to the workers, and none joins.",
            "Name the key that every node accepts.",
        )


def node_addresses(file: LauncherFile) -> Iterator[Finding]:
    """Without a default route Ray takes loopback, where no other node reaches it."""
    for kind, start in _starts(file):
        if "--node-ip-address" not in start.flags:
            yield Finding(
                f"The {kind} is not told its address: Ray guesses it, and may take loopback.",
                "Give ray start --node-ip-address.",
            )


def worker_counts(file: LauncherFile) -> Iterator[Finding]:
    """Machines of one's own are all there, always."""
    provider = file.config["provider"]
    if provider.get("type") != "local":
        return
    machines = len(provider.get("worker_ips") or ())
    counts = [file.config.get("min_workers"), file.config.get("max_workers")]
    if counts != [machines, machines]:
        yield Finding(
            f"min_workers and max_workers are {counts[0]} and {counts[1]}, and worker_ips names "
            f"{machines}.",
            "Set both to the number of worker_ips, or machines stay unused.",
        )


def autoscaler(file: LauncherFile) -> Iterator[Finding]:
    """Version 2 counts the head of a local cluster as one of its workers."""
    is_local = file.config["provider"].get("type") == "local"
    if is_local and file.head.variables.get("RAY_enable_autoscaler_v2") != "0":
        yield Finding(
            "Ray's autoscaler version 2 counts the head as a worker: one of them never joins.",
            "Set RAY_enable_autoscaler_v2=0 where the head is started.",
        )


def head_without_hosts(file: LauncherFile) -> Iterator[Finding]:
    """The head's death should be nobody's outage."""
    if file.head.flags.get("--num-cpus") != "0":
        yield Finding(
            "The head offers CPUs, so that hosts are on it: when it dies, their users wait.",
            "Give the head's ray start --num-cpus=0.",
        )


def head_state(file: LauncherFile) -> Iterator[Finding]:
    """A head that comes back without its state is another cluster."""
    variables = file.head.variables
    keeps = "RAY_gcs_storage_path" in variables or "RAY_REDIS_ADDRESS" in variables
    if not keeps:
        yield Finding(
            "The head keeps its state in memory: when it dies, every node and host ends.",
            "Set RAY_gcs_storage=rocksdb and RAY_gcs_storage_path (alpha in Ray 2.60), or "
            "RAY_REDIS_ADDRESS.",
        )
    for kind, start in _starts(file):
        seconds = _number(start, _RECONNECT, 60.0)
        if keeps and seconds < RECONNECT_SECONDS_MIN:
            yield Finding(
                f"The {kind}'s processes end after {seconds:g} s without a head, which keeps its "
                "state in vain.",
                f"Set {_RECONNECT} to what a boot takes, 600 for example.",
            )
        if not keeps and seconds > RECONNECT_SECONDS_MIN:
            yield Finding(
                f"The {kind}'s processes wait {seconds:g} s for a head that comes back as another "
                "cluster.",
                "Keep the head's state, or leave the timeout at Ray's 60 s.",
            )


def detection(file: LauncherFile) -> Iterator[Finding]:
    """How long a node may be silent: too short and a pause ends it, too long and users wait."""
    period, timeout, failures = (
        _number(file.head, name, default) for name, default in _HEALTH.items()
    )
    pause = period / 1_000 * failures
    longest = (period + timeout) / 1_000 * failures
    if pause < 1.0 or longest < PAUSE_SECONDS_MIN:
        yield Finding(
            f"A node is given up after {longest:g} s at most: a pause of a machine ends it.",
            f"Let period and timeout times failures be {PAUSE_SECONDS_MIN:g} s or more.",
        )
    if longest > GIVEN_UP_SECONDS_MAX:
        yield Finding(
            f"A node whose packets vanish is given up after up to {longest:g} s; its users wait.",
            "Set RAY_health_check_period_ms=500, _timeout_ms=1000 and _failure_threshold=3 "
            "where the head is started.",
        )


def supervision(file: LauncherFile) -> Iterator[Finding]:
    """A raylet that was given up ends itself; something has to start it again."""
    for kind, start in _starts(file):
        if "--block" not in start.flags or "Restart=always" not in start.text:
            yield Finding(
                f"Nobody starts the {kind}'s Ray again when it ends, as it does after a pause.",
                "Run ray start --block in a unit of systemd with Restart=always.",
            )
        if "ray stop" in start.text:
            yield Finding(
                f"`ray up` said again stops the {kind}'s Ray under what is running.",
                "Leave out ray stop; restart node after node when you mean to.",
            )


def what_goes_out(file: LauncherFile) -> Iterator[Finding]:
    """Source that changes under running processes is of no version."""
    for target, source in (file.config.get("file_mounts") or {}).items():
        if str(source).rstrip("/") in (".", "./", ""):
            yield Finding(
                f"The whole source tree goes to {target}, under processes that run from it.",
                "Send a wheel, and install that.",
            )


def niceness(file: LauncherFile) -> Iterator[Finding]:
    """Ray starts its workers at niceness 15."""
    if file.worker.variables.get("RAY_worker_niceness") != "0":
        yield Finding(
            "Hosts run at niceness 15, where anything else on their machine starves them.",
            "Set RAY_worker_niceness=0 where workers are started.",
        )


def exposure(file: LauncherFile) -> Iterator[Finding]:
    """Ray's dashboard starts jobs."""
    if file.head.flags.get("--dashboard-host", "127.0.0.1") not in ("127.0.0.1", "localhost"):
        yield Finding(
            f"The dashboard listens on {file.head.flags['--dashboard-host']}.",
            "Give --dashboard-host=127.0.0.1 and reach it with `ray dashboard`.",
        )


def ports(file: LauncherFile) -> Iterator[Finding]:
    """Workers have to knock where the head listens."""
    port = file.head.flags.get("--port", "6379")
    address: Any = file.worker.flags.get("--address", "")
    if not address.endswith(f":{port}"):
        yield Finding(
            f"The head listens on port {port}, and workers join {address or 'no address'}.",
            "Name the same port in both.",
        )


CHECKS: tuple[Check, ...] = (
    tokens,
    keys,
    node_addresses,
    ports,
    worker_counts,
    autoscaler,
    head_without_hosts,
    head_state,
    detection,
    supervision,
    what_goes_out,
    niceness,
    exposure,
)


def _number(start: NodeStart, name: str, default: float) -> float:
    try:
        return float(start.variables.get(name, default))
    except ValueError:
        return default
