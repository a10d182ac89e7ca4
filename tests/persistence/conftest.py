"""Fixtures of the operator's tools: two stores of one kind, and everything opened is closed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.store import Store
from tests.conformance.store_kit import Open
from tests.persistence.maintenance.tool_kit import KINDS, a_store


class Stores:
    """Openings of a store that is used, `here`, and of an empty one, `there`."""

    def __init__(self, here: Open, there: Open) -> None:
        self._here, self._there = here, there
        self.opened: list[Store] = []

    def here(self) -> Store:
        self.opened.append(self._here())
        return self.opened[-1]

    def there(self) -> Store:
        self.opened.append(self._there())
        return self.opened[-1]


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    both = Stores(
        a_store(request.param, tmp_path / "here"), a_store(request.param, tmp_path / "there")
    )
    yield both
    for store in both.opened:
        await store.close()
