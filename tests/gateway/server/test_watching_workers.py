"""Whichever gateway a client asks, it hears of what went through the others."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.server.workers_kit import SERVICE, Connection, StartSeveral, grant

pytestmark = pytest.mark.slow

AT = "/v1/users/alice/changes"


def poll(connection: Connection, query: str) -> list[dict[str, Any]]:
    answer = connection.request("GET", f"{AT}?{query}", None, SERVICE)
    assert answer.status == 200, answer.content
    frames: list[dict[str, Any]] = json.loads(answer.content)
    return frames


def follow(connection: Connection, versions: int) -> list[str]:
    """The commands of every version up to this one, by long polls alone."""
    state, caught_up = poll(connection, "")
    assert (state["why"], caught_up["version"]) == ("first", state["version"])
    command_ids: list[str] = []
    version: int = state["version"]
    while version < versions:
        *changes, caught_up = poll(connection, f"after={state['era']}.{version}&wait_ms=20000")
        for change in changes:
            assert (change["type"], change["version"]) == ("changes", version + 1)
            version = change["version"]
            command_ids.append(change["command_id"])
        assert caught_up == {"type": "caught_up", "version": version}
    return command_ids


def test_long_polls_at_every_gateway_hear_of_every_change(start_several: StartSeveral) -> None:
    several = start_several()
    each = several.reach_each()
    writer = each.pop(several.primary)
    with ThreadPoolExecutor() as threads:
        following = [threads.submit(follow, connection, 60) for connection in each.values()]
        for number in range(60):
            grant(writer, f"c{number}")
        for future in following:
            told = future.result(timeout=60)
            assert told == [f"c{number}" for number in range(60 - len(told), 60)]


def test_a_client_goes_on_at_another_gateway_when_its_own_is_killed(
    start_several: StartSeveral,
) -> None:
    several = start_several()
    each = several.reach_each()
    writer = each.pop(several.primary)
    grant(writer, "c1")
    first, second = each.values()
    [state, _] = poll(first, "")
    grant(writer, "c2")
    os.kill(first.pid, signal.SIGKILL)
    grant(writer, "c3")
    *changes, _ = poll(second, f"after={state['era']}.{state['version']}")
    assert [change["command_id"] for change in changes] == ["c2", "c3"]


def read(connection: Connection, at: str) -> int:
    """The version that is read; a machine that is too busy for it is asked again."""
    while (answer := connection.request("GET", at, None, SERVICE)).status == 504:
        pass
    version: int = answer.json["version"]
    return version


def test_a_read_of_a_version_waits_for_it_at_every_gateway(start_several: StartSeveral) -> None:
    several = start_several()
    each = several.reach_each()
    writer = each.pop(several.primary)
    with ThreadPoolExecutor() as threads:
        for number in range(1, 6):
            at = f"/v1/users/alice/progression?min_version={number}"
            reading = [threads.submit(read, connection, at) for connection in each.values()]
            grant(writer, f"c{number}")
            for future in reading:
                assert future.result(timeout=60) >= number
