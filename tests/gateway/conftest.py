"""Fixtures of the gateway's tests."""

from collections.abc import Iterator

import pytest
import structlog

from tests.gateway import kit


@pytest.fixture
async def gateway() -> kit.Gateway:
    """A fresh gateway over a fresh local cluster: no user has done anything."""
    return kit.gateway()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Whatever a test made of the log's configuration ends with it."""
    yield
    structlog.reset_defaults()
