"""Asserts that read better than plain ones, and say on failure what there is instead.

They look at what is durable: `server.read`, not what some client has heard so far.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from questkeep_client import Change, Changes, Problem, State
from questkeep_client.protocol.mirror import Rows, indexed
from questkeep_client.user_rows import UserRows
from questkeep_testing.server import LocalServer

CATCH_UP_SECONDS = 5.0
"""How long a client may take to hear of what is durable."""
_PAUSE_SECONDS = 0.005


def assert_level(server: LocalServer, user_id: str, level: int) -> None:
    """The user is at this level."""
    row = server.read(user_id)["player_progression"]
    assert row["level"] == level, (
        f"{user_id} is at level {row['level']} with {row['total_xp']} experience, expected {level}"
    )


def assert_quest(server: LocalServer, user_id: str, quest_id: str, status: str) -> None:
    """The user has this quest, with this status.

    It is one of `active`, `ready_to_turn_in`, `turned_in` and `abandoned`.
    """
    quests = {row["quest_id"]: row["status"] for row in server.read(user_id)["quest_record"]}
    assert quests.get(quest_id) == status, (
        f"quest {quest_id} of {user_id} is {quests.get(quest_id, 'not there')}, expected {status}; "
        f"there are {quests}"
    )


def assert_quest_turned_in(server: LocalServer, user_id: str, quest_id: str) -> None:
    """The user has handed this quest in."""
    assert_quest(server, user_id, quest_id, "turned_in")


@contextmanager
def assert_refused(code: str) -> Iterator[None]:
    """The block's command is refused with this code; another refusal is no substitute."""
    refused_with = None
    try:
        yield
    except Problem as problem:
        refused_with = problem
    assert refused_with is not None, f"nothing was refused, expected {code}"
    assert refused_with.code == code, f"refused with {refused_with}, expected {code}"


def assert_gapless(changes: Iterable[Change]) -> None:
    """What a loop over `changes()` got leaves out no version and tells none twice."""
    known = None
    for change in changes:
        if isinstance(change, Changes) and known is not None:
            expected = known.next()
            assert change.position == expected, (
                f"{change.position} came after {known}, expected {expected}"
            )
        if isinstance(change, Changes | State):
            known = change.position


def assert_same_everywhere(server: LocalServer, user_id: str, *shown: UserRows) -> None:
    """The store, the server and every client that shows the user have the same rows.

    Clients get some seconds to hear of the newest version.  In a coroutine call it by
    `asyncio.to_thread`: clients of the same event loop could hear of nothing meanwhile.
    """
    stored, served = server.read_stored(user_id), server.read(user_id)
    _assert_equal("the store", stored, "the server", served)
    for number, user in enumerate(shown, start=1):
        _catch_up(user, served["version"])
        _assert_equal(f"client {number}", user.mirror.rows, "the server", served)


def _catch_up(user: UserRows, version: int) -> None:
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while user.position is None or user.position.version < version:
        if time.monotonic() > deadline:
            raise AssertionError(f"a client is at {user.position}, and version {version} is there")
        time.sleep(_PAUSE_SECONDS)


def _assert_equal(one: str, rows: Any, other: str, expected: Any) -> None:
    left, right = _rows(rows), _rows(expected)
    for name in sorted(left.keys() | right.keys()):
        assert left.get(name) == right.get(name), (
            f"{name} differs: {one} has {left.get(name)}, {other} has {right.get(name)}"
        )


def _rows(body: dict[str, Any]) -> Rows:
    """What is there, by table and id; a table without rows is none."""
    is_indexed = all(isinstance(value, dict) for value in body.values())
    rows = body if is_indexed else indexed(body)
    return {name: value for name, value in rows.items() if value}
