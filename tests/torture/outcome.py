"""What a campaign found, and the ground it is fought on.

Not for: printing (`report`).
"""

import contextlib
import math
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from persistence.open import file_root
from tests.torture.arena import PATIENCE_SECONDS, Arena, Unserved
from tests.torture.plan import Plan, settings

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


class Outcome(Struct):
    """One campaign: what was done how often, and what broke.  `figures` are for the table."""

    name: str
    done: int
    wanted: int
    lost: int
    doubled: int
    seconds: float
    figures: dict[str, Any] = {}
    failures: list[str] = []

    @property
    def passed(self) -> bool:
        """Nothing broke, and it was done as often as was wanted."""
        return not (self.lost or self.doubled or self.failures)


class Ground:
    """Where the campaigns' stores are made: `new_store` gives a fresh store's URL.

    Attributes:
        failures: where the artefacts of failing campaigns are kept.
    """

    def __init__(
        self,
        seed: int,
        failures: Path,
        *,
        endpoint: str | None = None,
        bucket: Callable[[], str] | None = None,
        flaky: float = 0.0,
        environment: dict[str, str] | None = None,
        clients: int = 50,
        patience_seconds: float = PATIENCE_SECONDS,
        progress: Progress = lambda done, wanted: None,
    ) -> None:
        self.seed = seed
        self.failures = failures
        self.endpoint = endpoint
        self.flaky = flaky
        self.environment = environment or {}
        self.clients = clients
        self.patience_seconds = patience_seconds
        self.progress = progress
        self._bucket = bucket

    def plan(self, folder: Path, variant: str = "", **changes: Any) -> Plan:
        """A plan for hosts of a new store."""
        url = self._bucket() if self._bucket is not None else (folder / "store").as_uri()
        return Plan(
            settings(url, **changes),
            str(folder / "hosts.log"),
            endpoint=self.endpoint,
            flaky=self.flaky,
            variant=variant,
            environment=self.environment,
        )

    @contextlib.asynccontextmanager
    async def arena(self, name: str, variant: str = "", **changes: Any) -> AsyncIterator[Arena]:
        """An arena with a new store; kept under `failures` when something broke in it."""
        folder = Path(tempfile.mkdtemp(prefix="questkeep-torture-"))
        plan = self.plan(folder, variant, **changes)
        arena = Arena(plan, self.seed, clients=self.clients)
        arena.patience_seconds = self.patience_seconds
        try:
            async with arena:
                yield arena
        except Unserved as error:
            arena.ledger.violate("lost", "", "", f"a host does not serve: {error}")
        except BaseException:
            self._keep(arena, name)
            raise
        finally:
            if arena.ledger.violations:
                self._keep(arena, name)
            shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, arena: Arena, name: str) -> None:
        url = arena.plan.settings.store_url
        store = file_root(url) if url.startswith("file:") else None
        arena.keep(self.failures / f"{name}-{self.seed}", store)


def outcome(name: str, arena: Arena, done: int, wanted: int, began: float) -> Outcome:
    """What the arena's ledger says."""
    ledger = arena.ledger
    figures: dict[str, Any] = {
        "replies": ledger.acknowledged,
        "replayed": ledger.replayed,
        "refused": ledger.rejected,
        "users": len(ledger.books) + len(ledger.settled_users),
    }
    if arena.recovery_seconds:
        figures["recovery_p50_ms"] = milliseconds(arena.recovery_seconds, 0.5)
        figures["recovery_p99_ms"] = milliseconds(arena.recovery_seconds, 0.99)
    return Outcome(
        name,
        done,
        wanted,
        ledger.lost,
        ledger.doubled,
        round(time.monotonic() - began, 1),
        figures,
        [f"{one.kind}: {one.user_id} {one.command_id}: {one.what}" for one in ledger.violations],
    )


def milliseconds(seconds: Sequence[float], share: float) -> float:
    """The duration that `share` of them do not exceed."""
    ordered = sorted(seconds)
    return round(1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)
