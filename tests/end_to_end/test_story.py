"""One server's life: the story, deaths of its parts, wrong requests, a stop, a kill, a new start.

The tests share a server where they can: Ray takes seconds to start.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.server_kit import ROOT, Server, environment, files

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.end()


def test_reading_an_unknown_user_and_a_grant_of_0_leave_no_file_behind(server: Server) -> None:
    before = files(server.folder / "data")
    service = server.client("--service", "game")
    row = service.get("/v1/users/nobody/progression").json()
    assert (row["version"], row["player_progression"]["level"]) == (0, 1)
    reply = service.send("nobody", "grant_player_progression_experience", amount=0)
    assert (reply["version"], reply["changes"], reply["events"]) == (0, {}, [])
    assert files(server.folder / "data") == before


def test_a_story_of_three_chapters_adds_up_for_every_player(server: Server) -> None:
    played = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "three_chapters.py"), "--url", server.url],
        cwd=server.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "nightspire" in played.stdout


def test_a_turn_in_pays_once_whatever_dies_between_and_during_commands(server: Server) -> None:
    service = server.client("--service", "game")
    player = server.client("--user", "hero")
    for number in range(40):
        service.send(
            "hero",
            "offer_quest",
            quest_id=f"q{number}",
            chapter_id="none",
            reward={"experience": 7},
        )
    first = player.send("hero", "turn_in_quest", "turn-0", quest_id="q0")

    for process in server.user_processes():  # between commands
        process.kill()
    again = player.send("hero", "turn_in_quest", "turn-0", quest_id="q0")
    assert again == {**first, "replayed": True}

    replies: list[Any] = []
    half_way = threading.Event()

    def turn_in_the_rest() -> None:
        for number in range(1, 40):
            replies.append(
                player.send("hero", "turn_in_quest", f"turn-{number}", quest_id=f"q{number}")
            )
            if number == 15:
                half_way.set()

    playing = threading.Thread(target=turn_in_the_rest)
    playing.start()
    assert half_way.wait(60)
    for process in server.user_processes():  # during commands
        process.kill()
    playing.join(90)
    assert [reply["version"] for reply in replies] == list(range(42, 81))
    state = player.get("/v1/users/me").json()
    assert state["player_progression"]["total_xp"] == 40 * 7
    assert {quest["status"] for quest in state["quest_record"]} == {"turned_in"}


def test_another_turn_in_of_the_same_quest_is_refused_and_pays_nothing(server: Server) -> None:
    service = server.client("--service", "game")
    service.send("twice", "offer_quest", quest_id="q", reward={"experience": 50})
    player = server.client("--user", "twice")
    player.send("twice", "turn_in_quest", quest_id="q")
    second = player.post("me", {"command_id": "new", "type": "turn_in_quest", "quest_id": "q"})
    assert (second.status_code, second.json()["code"]) == (409, "quest_already_turned_in")
    row = player.get("/v1/users/me/progression").json()["player_progression"]
    assert row["total_xp"] == 50


def test_a_player_reaches_no_one_else(server: Server) -> None:
    player = server.client("--user", "mallory")
    for response in (
        player.get("/v1/users/hero"),
        player.get("/v1/users/hero/commands/turn-0"),
        player.post("hero", {"command_id": "c", "type": "acknowledge_level_ups"}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "not_your_user")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"command_id": "c", "type": "turn_in_quest"}, 422, "invalid_field"),
        ({"command_id": "c", "type": "fly"}, 400, "unknown_command"),
        ({"command_id": "c", "type": "turn_in_quest", "quest_id": "no"}, 404, "quest_not_found"),
        ({"command_id": "../x", "type": "acknowledge_level_ups"}, 400, "invalid_id"),
        (
            {"command_id": "c", "type": "turn_in_quest", "quest_id": "q", "experience": 9},
            422,
            "invalid_field",
        ),
        (
            {"command_id": "c", "type": "grant_player_progression_experience", "amount": 10**30},
            422,
            "invalid_field",
        ),
        (7, 400, "malformed_body"),
    ],
)
def test_a_wrong_request_gets_its_code_and_changes_nothing(
    server: Server, body: Any, status: int, code: str
) -> None:
    service = server.client("--service", "game")
    before = service.get("/v1/users/hero").json()
    response = service.post("hero", body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert service.get("/v1/users/hero").json() == before


def test_a_second_server_on_the_same_store_is_refused_and_told_of_the_first(
    server: Server,
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "cli", "serve", "--port", "0"],
        cwd=server.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert server.url in second.stderr
    assert str(server.process.pid) in second.stderr


def test_everything_is_still_there_after_a_stop_and_after_a_kill(server: Server) -> None:
    """Runs last: it stops the shared server and starts others in its folder."""
    home = server.folder
    service = server.client("--service", "game")
    service.send("keeper", "grant_player_progression_experience", "c1", amount=500)
    assert server.stop() == 0
    # The journals of users whose hosts were killed above are folded by the next server.
    assert not [name for name in files(home / "data") if name.startswith("journals/user:keeper")]

    second = Server(home)
    try:
        service = second.client("--service", "game")
        again = service.send("keeper", "grant_player_progression_experience", "c1", amount=500)
        assert again["replayed"]
        acknowledged = service.send("keeper", "acknowledge_level_ups", "c2")
        second.kill()
    finally:
        second.end()
    assert [name for name in files(home / "data") if name.startswith("journals/")]

    third = Server(home)
    try:
        service = third.client("--service", "game")
        again = service.send("keeper", "acknowledge_level_ups", "c2")
        assert again == {**acknowledged, "replayed": True}
        row = service.get("/v1/users/keeper/progression").json()
        assert (row["version"], row["player_progression"]["total_xp"]) == (2, 500)
        assert third.stop() == 0
    finally:
        third.end()
