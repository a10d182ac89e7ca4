"""The shapes of load: how many connections, commands a request, requests ahead; and what came back.

Not for: sending it (`wrk`, `batched_load`).
"""

from dataclasses import dataclass, field

from benchmarks.load.batch_clients import Form

WHOLE_JSON = Form("json")


class Broken(Exception):
    """Requests failed or were refused; nothing that was measured counts."""


class OutOfQuests(Exception):
    """The run was faster than the dataset has quests: seed more and repeat."""


@dataclass(frozen=True)
class Traffic:
    """One shape of load.

    `batch` 0: players send their own turn-ins, one a request, in JSON, and `pipeline` requests of
    a connection leave together.  Else a service sends as many turn-ins of different users in each
    request (`POST /v1/commands`), one request of a connection at a time, in this `form`.
    """

    connections: int
    batch: int = 0
    pipeline: int = 1
    form: Form = field(default=WHOLE_JSON)

    @property
    def name(self) -> str:
        """In a few words, as in the tables."""
        if self.batch:
            return f"batches of {self.batch} × {self.connections}, {self.form}"
        ahead = f", {self.pipeline} at a time" if self.pipeline > 1 else ""
        return f"{self.connections:,} connections{ahead}"


@dataclass(frozen=True)
class Stretch:
    """What clients saw in one stretch of load.

    Attributes:
        answered: turn-ins that were accepted within `seconds`.
        answered_late: those accepted after it, which were on their way when it ended.
        sent: the number of the next turn-in: all below it may have been sent.
        p50_ms, p99_ms: of the time that a request took; NaN where several left together.
        client_seconds: CPU that the clients took.
    """

    answered: int
    answered_late: int
    sent: int
    seconds: float
    p50_ms: float
    p99_ms: float
    client_seconds: float
