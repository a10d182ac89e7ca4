"""What the primary and a worker say to each other over their IPC channel.

| call | from | content → answer |
|---|---|---|
| `configure` | primary | `WorkerConfig` → nothing, once everything but the socket is ready |
| `show_rules` | primary | a rules file's text → nothing, once it is shown |
| `listen` | primary | nothing → nothing, or a sentence on why it cannot |
| `counts` | primary | nothing → `MetricsSnapshot` |
| `drain` | primary | seconds → whether everything accepted was answered |
| `stop` | primary | nothing → nothing, once every connection is closed |
| `find_host` | worker | a slot → `HostLookup` |
| `reload_rules` | worker | who asked → `ReloadOutcome` |
| `metrics_text` | worker | nothing → the text, of all gateways |
| `health` | worker | nothing → why users are not served, or nothing |
| `cluster_status` | worker | nothing → `ClusterStatus` |
| `host_name` | worker | a user id → the name of the user's host |

Not for: how it gets there (`ipc`).
"""

from typing import Any

from msgspec import Struct

from actors.transport.addresses import HostAddress
from gateway.api.rules_endpoint import Reloaded
from gateway.http.listener import Address


class WorkerConfig(Struct):
    """Everything a worker has to know, so that it is like the primary in all it answers.

    Attributes:
        number: which gateway it is; the primary is 1.
        settings: by name, without secrets.
        secret: what tokens are signed with; None where an identity provider signs.
        hosts: how many packed hosts there are.
        development: whether the secret is the development secret.
    """

    number: int
    settings: dict[str, Any]
    secret: bytes | None
    address: Address
    rules_text: str
    hosts: int
    development: bool = False


class HostLookup(Struct):
    """Where a host listens; or that it is gone for now, or unavailable, and why."""

    where: HostAddress | None = None
    gone: str = ""
    unavailable: str = ""


class ReloadOutcome(Struct):
    """New rules in force everywhere; or what is wrong with the file, which changed nothing."""

    reloaded: Reloaded | None = None
    problems: list[str] = []
