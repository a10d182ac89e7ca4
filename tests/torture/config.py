"""Configuration of a campaign: seed, store, clients, and where artefacts of failures are kept.

Not for: one host (`plan`).
"""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from persistence.open import file_root
from tests.torture.outcome import Progress
from tests.torture.plan import Plan, settings
from tests.torture.system import PATIENCE_SECONDS, SystemUnderTest, Unserved


class CampaignConfig:
    """What every campaign of a run shares; `system` starts one on a store of its own.

    Attributes:
        failures: where the artefacts of failing campaigns are kept.
    """

    def __init__(
        self,
        seed: int,
        failures: Path,
        *,
        bucket: Callable[[], str] | None = None,
        flaky: float = 0.0,
        environment: dict[str, str] | None = None,
        clients: int = 50,
        patience_seconds: float = PATIENCE_SECONDS,
        progress: Progress = lambda done, wanted: None,
    ) -> None:
        self.seed = seed
        self.failures = failures
        self.flaky = flaky
        self.environment = environment or {}
        self.clients = clients
        self.patience_seconds = patience_seconds
        self.progress = progress
        self._bucket = bucket

    def plan(self, folder: Path, mutant: str = "", **changes: Any) -> Plan:
        """A plan for hosts of a new store."""
        url = self._bucket() if self._bucket is not None else (folder / "store").as_uri()
        return Plan(
            settings(url, **changes),
            str(folder / "hosts.log"),
            flaky=self.flaky,
            mutant=mutant,
            environment=self.environment,
        )

    @contextlib.asynccontextmanager
    async def system(
        self, name: str, mutant: str = "", **changes: Any
    ) -> AsyncIterator[SystemUnderTest]:
        """A system under test on a new store; when it breaks its artefacts are kept."""
        folder = Path(tempfile.mkdtemp(prefix="questkeep-torture-"))
        plan = self.plan(folder, mutant, **changes)
        system = SystemUnderTest(plan, self.seed, clients=self.clients)
        system.patience_seconds = self.patience_seconds
        try:
            async with system:
                yield system
        except Unserved as error:
            system.checker.violate("lost", "", "", f"a host does not serve: {error}")
        except BaseException:
            self._keep(system, name)
            raise
        finally:
            if system.checker.violations:
                self._keep(system, name)
            shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, system: SystemUnderTest, name: str) -> None:
        url = system.plan.settings.store_url
        store = file_root(url) if url.startswith("file:") else None
        system.keep(self.failures / f"{name}-{self.seed}", store)
