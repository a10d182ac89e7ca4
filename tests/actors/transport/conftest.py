"""Every test of this folder runs on asyncio's own event loop, and on uvloop."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from actors.cluster import host_actor


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def no_collection_at_each_start_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's process collects all garbage once; in the tests' own that takes half a second."""
    monkeypatch.setattr(host_actor, "collect_new_objects_only", lambda: None)
