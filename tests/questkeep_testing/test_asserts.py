"""The kit's asserts bite: each passes on what is so, and fails on a server or client that is not.

A broken variant stands for each mistake that an assert is there to find.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from questkeep_client import Changes, OfferQuest, Position, State
from questkeep_client.protocol.mirror import Mirror
from questkeep_client.sync import connect
from questkeep_client.user_rows import UserRows
from questkeep_testing import asserts
from questkeep_testing.server import LocalServer


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        server.seed("alice", OfferQuest("q-1", {}), level=3, wallet={"gold": 5})
        yield server


def test_a_level_is_told_from_another(server: LocalServer) -> None:
    asserts.assert_level(server, "alice", 3)
    with pytest.raises(AssertionError, match=r"alice is at level 3 with .* expected 4"):
        asserts.assert_level(server, "alice", 4)


def test_a_quest_is_told_from_none_and_from_another_status(server: LocalServer) -> None:
    asserts.assert_quest(server, "alice", "q-1", "ready_to_turn_in")
    asserts.assert_quest_turned_in(server, "alice", "seed")
    with pytest.raises(AssertionError, match="q-1 of alice is ready_to_turn_in"):
        asserts.assert_quest_turned_in(server, "alice", "q-1")
    with pytest.raises(AssertionError, match="q-2 of alice is not there"):
        asserts.assert_quest(server, "alice", "q-2", "ready_to_turn_in")


def test_a_refusal_is_told_from_another_and_from_none(server: LocalServer) -> None:
    with connect(server.url, server.service_token()) as service:
        alice = service.user("alice")
        with asserts.assert_refused("quest_not_found"):
            alice.turn_in_quest("q-2")
        with (
            pytest.raises(AssertionError, match=r"quest_not_found.* expected quest_not_ready"),
            asserts.assert_refused("quest_not_ready"),
        ):
            alice.turn_in_quest("q-2")
    with (
        pytest.raises(AssertionError, match="nothing was refused"),
        asserts.assert_refused("quest_not_found"),
    ):
        pass


def change(version: int, era: str = "e") -> Changes:
    return Changes("alice", Position(era, version), "c", {}, ())


def state(version: int, era: str = "e") -> State:
    return State("alice", Position(era, version), "first", {})


@pytest.mark.parametrize(
    "told",
    [
        [],
        [state(0), change(1), change(2)],
        [change(7), change(8)],
        [state(3), change(4), state(9, "f"), change(10, "f")],
    ],
)
def test_changes_without_a_gap_pass(told: list[Any]) -> None:
    asserts.assert_gapless(told)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([state(0), change(2)], id="one-left-out"),
        pytest.param([change(1), change(1)], id="one-told-twice"),
        pytest.param([change(2), change(1)], id="out-of-order"),
        pytest.param([change(1), change(2, "f")], id="another-era-without-its-state"),
    ],
)
def test_changes_with_a_gap_fail(told: list[Any]) -> None:
    with pytest.raises(AssertionError, match="expected"):
        asserts.assert_gapless(told)


class Shown(UserRows):
    """A client that shows what a test says."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    @property
    def mirror(self) -> Mirror:
        return self._mirror


def mirror_of(server: LocalServer) -> Mirror:
    body = server.read("alice")
    mirror = Mirror("alice")
    mirror.replace({**body, "era": "e"})
    return mirror


def test_a_client_that_shows_what_is_stored_passes(server: LocalServer) -> None:
    asserts.assert_same_everywhere(server, "alice", Shown(mirror_of(server)))


def forget_a_row(mirror: Mirror) -> None:
    del mirror.rows["quest_record"]["q-1"]


def keep_an_old_amount(mirror: Mirror) -> None:
    mirror.rows["wallet"] = {"gold": 4}


def show_what_is_gone(mirror: Mirror) -> None:
    mirror.rows["inventory"] = {"sword": 1}


@pytest.mark.parametrize("break_it", [forget_a_row, keep_an_old_amount, show_what_is_gone])
def test_a_client_that_shows_something_else_fails(server: LocalServer, break_it: Any) -> None:
    mirror = mirror_of(server)
    break_it(mirror)
    with pytest.raises(AssertionError, match="differs: client 1 has"):
        asserts.assert_same_everywhere(server, "alice", Shown(mirror))


def test_a_client_that_never_hears_of_the_newest_version_fails(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asserts, "CATCH_UP_SECONDS", 0.0)
    mirror = mirror_of(server)
    server.seed("alice", OfferQuest("q-2", {}))
    with pytest.raises(AssertionError, match="a client is at"):
        asserts.assert_same_everywhere(server, "alice", Shown(mirror))


def test_a_server_that_answers_what_it_has_not_stored_fails(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = server.read("alice")
    body["wallet"] = {"gold": 6}
    monkeypatch.setattr(server, "read", lambda user_id: body)
    with pytest.raises(AssertionError, match="wallet differs: the store has"):
        asserts.assert_same_everywhere(server, "alice")
