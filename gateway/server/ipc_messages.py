"""What the first gateway and a further one say to each other over their line.

| call | from | content → answer |
|---|---|---|
| `begin` | first | `Begin` → nothing, once everything but the socket is ready |
| `show_rules` | first | a rules file's text → nothing, once it is shown |
| `listen` | first | nothing → nothing, or a sentence on why it cannot |
| `counts` | first | nothing → `MetricsSnapshot` |
| `drain` | first | seconds → whether everything accepted was answered |
| `stop` | first | nothing → nothing, once every connection is closed |
| `find_host` | further | a slot → `HostFound` |
| `reload_rules` | further | who asked → `ReloadOutcome` |
| `metrics_text` | further | nothing → the text, of all gateways |

Not for: how it gets there (`line`).
"""

from typing import Any

from msgspec import Struct

from actors.transport.addresses import HostAddress
from gateway.api.rules_endpoint import Reloaded
from gateway.http.listener import Address


class Begin(Struct):
    """Everything a further gateway has to know, so that it is like the first in all it answers.

    Attributes:
        number: which gateway it is; the first is 1.
        settings: by name, without secrets.
        secret: what tokens are signed with; None where an identity provider signs.
        hosts: how many packed hosts there are.
    """

    number: int
    settings: dict[str, Any]
    secret: bytes | None
    address: Address
    rules_text: str
    hosts: int


class HostFound(Struct):
    """Where a host listens; or that it is gone for now, or unavailable, and why."""

    where: HostAddress | None = None
    gone: str = ""
    unavailable: str = ""


class ReloadOutcome(Struct):
    """New rules in force everywhere; or what is wrong with the file, which changed nothing."""

    reloaded: Reloaded | None = None
    problems: list[str] = []
