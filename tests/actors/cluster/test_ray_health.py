"""What a server on Ray says of its health: Ray, the store, and who owns it.  No Ray runs here."""

import asyncio
from pathlib import Path

import pytest

from actors import store_ownership
from actors.cluster import ray_runtime
from actors.cluster.contract import Failure
from actors.cluster.ray_runtime import RayActors
from actors.errors import UserUnavailable
from actors.store_ownership import TAKEN_OVER
from persistence.errors import Unavailable
from persistence.journal.recovery import take_over
from persistence.open import open_store
from tests.actors.host_kit import settings


class Session:
    """A Ray that is there until the test takes it away."""

    joined = False

    def __init__(self) -> None:
        self.reasons = [""]
        self.abandoned = False

    def lost(self) -> str:
        return self.reasons.pop(0) if len(self.reasons) > 1 else self.reasons[0]

    def abandon(self) -> None:
        self.abandoned = True


@pytest.fixture
async def actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RayActors:
    """A server's actors, after it has taken the store over."""
    monkeypatch.setattr(ray_runtime, "end_actors", lambda _: None)
    monkeypatch.setattr(ray_runtime, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(store_ownership, "ANSWER_SECONDS", 0.5)
    found = RayActors(settings(store_url=(tmp_path / "store").as_uri()), "local")
    monkeypatch.setattr(found, "session", Session())
    await found.ownership.take()
    return found


async def test_with_ray_and_the_store_there_is_nothing_to_say(actors: RayActors) -> None:
    assert await actors.health() == ""


async def test_a_ray_that_ended_is_named_and_no_host_is_looked_for_any_more(
    actors: RayActors,
) -> None:
    actors.session.reasons = ["Ray's raylet ended (signal 9)"]  # type: ignore[attr-defined]
    assert await actors.health() == "Ray's raylet ended (signal 9)"
    with pytest.raises(UserUnavailable, match="raylet ended"):
        await actors.get_or_start(object, "users:0")


async def test_a_server_fails_once_it_has_lost_ray_and_then_asks_ray_for_nothing(
    actors: RayActors,
) -> None:
    actors.session.reasons = ["", "", "Ray's gcs_server ended"]  # type: ignore[attr-defined]
    assert await actors.failed() == Failure("Ray's gcs_server ended")

    class Unasked:
        async def drain(self) -> None:
            pytest.fail("a host was asked")

    await actors.drain([("users:0", Unasked())])  # type: ignore[list-item]
    await actors.disconnect()
    assert actors.session.abandoned  # type: ignore[attr-defined]


async def test_a_server_that_was_shut_out_says_so(actors: RayActors, tmp_path: Path) -> None:
    another = open_store((tmp_path / "store").as_uri())
    server, _ = await take_over(another, 128)
    assert await actors.failed() == Failure(TAKEN_OVER, taken_over=True)
    for _ in range(2):  # found out, then known
        assert await actors.health() == "another server has taken over the store"
    with pytest.raises(UserUnavailable, match="another server"):
        await actors.get_or_start(object, "users:0")
    await server.close()


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("is away", "the store cannot be used: it is away"),
        ("never answers", "the store does not answer"),
    ],
)
async def test_a_store_in_trouble_is_named(
    check: str, said: str, actors: RayActors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check_server(*_: object) -> None:
        if check == "is away":
            raise Unavailable("it is away")
        await asyncio.Event().wait()

    monkeypatch.setattr(store_ownership, "check_server", check_server)
    assert await actors.health() == said
