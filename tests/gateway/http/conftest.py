"""Fixtures of the HTTP server's tests: a listener that runs, and its application."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from gateway.http.listener import Address, Listener, free_address
from tests.gateway.http.http_kit import Application


class Served(NamedTuple):
    """A listener, its application and its address."""

    listener: Listener
    application: Application
    address: Address


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A listener that looks for expired connections all the time."""
    monkeypatch.setattr("gateway.http.listener.EXPIRY_SECONDS", 0.01)
    address, application = free_address("127.0.0.1", 0), Application()
    listener = Listener(application.answer, address)
    await listener.start()
    yield Served(listener, application, address)
    application.go.set()
    await listener.stop()


@pytest.fixture
def address(served: Served) -> Address:
    """Where the listener is."""
    return served.address
