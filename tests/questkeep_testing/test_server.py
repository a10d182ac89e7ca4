"""A server in this process: what it keeps, who reaches it, what time is there, how it dies."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from persistence.errors import Corrupt
from persistence.maintenance.verification import verify
from persistence.memory import MemoryStore
from questkeep_client import GrantExperience, OfferQuest, Problem, TurnInQuest
from questkeep_client.sync import connect
from questkeep_testing.asserts import assert_quest_turned_in, assert_same_everywhere
from questkeep_testing.clock import START
from questkeep_testing.crashes import CRASH_POINTS
from questkeep_testing.server import LocalServer

EXAMPLES = Path(__file__).parents[2] / "examples"
STORY = EXAMPLES / "stories" / "short.toml"
RULES = EXAMPLES / "rules" / "twelve_levels.toml"
HOUR = 3_600 * 1_000_000
# What a command alone passes; the others are passed by a restart.
OF_A_COMMAND = ("journal.before_append", "journal.after_append", "host.before_reply")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def test_no_ray_is_imported_on_the_way_to_a_server() -> None:
    code = (
        "import sys, questkeep_testing.server as kit\n"
        "with kit.LocalServer() as server: server.seed('alice', level=2)\n"
        "print('ray' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.split()[-1] == "False", printed.stderr


async def test_a_player_and_a_service_see_the_same_user(server: LocalServer) -> None:
    async with server.connect("alice") as player, server.connect_service() as service:
        alice = player.user()
        await alice.ready()
        await service.user("alice").offer_quest("q-1", {"experience": 500})
        reply = await alice.turn_in_quest("q-1")
        assert (await alice.at(reply["version"]))["player_progression"]["level"] == 2
    assert_quest_turned_in(server, "alice", "q-1")
    assert_same_everywhere(server, "alice")


def test_two_servers_share_nothing(server: LocalServer) -> None:
    with LocalServer() as other:
        server.seed("alice", level=5)
        assert other.read("alice")["version"] == 0
        request = httpx.get(
            f"{other.url}/v1/users/me",
            headers={"Authorization": f"Bearer {server.token('alice')}"},
        )
        assert request.status_code == 401


def test_a_seeded_user_has_what_was_asked_for(server: LocalServer) -> None:
    [offered] = server.seed(
        "alice",
        OfferQuest("q-1", {"experience": 10}),
        level=7,
        experience=3,
        items={"sword": 1},
        wallet={"gold": 5},
        affinity={"mei": -2},
    )
    alice = server.read("alice")
    row = alice["player_progression"]
    assert (row["level"], row["current_level_xp"], row["pending_level_ups"]) == (7, 3, 0)
    assert (alice["inventory"], alice["wallet"]) == ({"sword": 1}, {"gold": 5})
    assert (alice["affinity"], offered["version"]) == ({"mei": -2}, alice["version"])


def test_a_seed_that_the_rules_refuse_says_so(server: LocalServer) -> None:
    with pytest.raises(ValueError, match="level is 0"):
        server.seed("alice", level=0)
    with pytest.raises(Problem, match="quest_not_found"):
        server.seed("alice", TurnInQuest("q-1"))
    with pytest.raises(ValueError, match="receipt_window"):
        LocalServer(receipt_window=1)


def test_users_are_imported_as_rows(server: LocalServer) -> None:
    server.seed("alice", GrantExperience(500))
    line = server.export("alice")
    assert line is not None
    with LocalServer() as other:
        other.import_users(line)
        assert other.read("alice")["player_progression"]["total_xp"] == 500
        with pytest.raises(Corrupt):
            other.import_users(b"no user")
        other.seed("bob", level=2)  # it serves again


def test_players_who_have_played_a_story_are_there_and_play_on() -> None:
    with LocalServer(rules=str(RULES)) as server:
        server.seed_players(STORY, players=4, seed=7)
        played = [server.read(f"player-{number}") for number in range(4)]
        assert [len(user["chapter_progression"]) for user in played] == [5] * 4
        assert len({user["player_progression"]["total_xp"] for user in played}) == 4
        damages = asyncio.run(verify(MemoryStore(server._world))).damages
        assert damages == []
        [granted] = server.seed("player-0", GrantExperience(1))
        assert granted["version"] == played[0]["version"] + 1
    with LocalServer(rules=str(RULES)) as other:
        other.seed_players(STORY, players=4, seed=7)
        assert [other.read(f"player-{number}") for number in range(4)] == played


def test_time_stands_until_it_is_moved(server: LocalServer) -> None:
    start = int(START.timestamp()) * 1_000_000
    server.seed("alice", GrantExperience(1))
    assert server.read("alice")["player_progression"]["updated_at"] == start
    server.clock.advance(hours=25)
    server.seed("alice", GrantExperience(1))
    assert server.read("alice")["player_progression"]["updated_at"] == start + 25 * HOUR
    with pytest.raises(ValueError, match="does not go back"):
        server.clock.advance(seconds=-1)


def test_who_is_idle_hibernates_then_leaves_memory_and_comes_back(server: LocalServer) -> None:
    server.seed("alice", level=3)
    server.clock.advance(seconds=20)
    assert (server.activity.users_active, server.activity.users_hibernated) == (1, 1)
    server.clock.advance(seconds=200)
    assert server.activity.users_active == 1  # the two moves together are less than idle_seconds
    server.clock.advance(minutes=5)
    assert server.activity.users_active == 0
    assert server.read("alice")["player_progression"]["level"] == 3


def test_a_restart_keeps_everything(server: LocalServer) -> None:
    server.seed("alice", level=4)
    before, url = server.read("alice"), server.url
    server.restart()
    assert (server.read("alice"), server.url) == (before, url)


@pytest.mark.parametrize("point", OF_A_COMMAND)
def test_a_death_while_a_command_is_carried_out_costs_nothing_and_doubles_nothing(
    server: LocalServer, point: str
) -> None:
    with connect(server.url, server.service_token()) as service:
        alice = service.user("alice")
        alice.ready()
        with server.crash_at(point) as crash:
            reply = alice.grant_player_progression_experience(500)
        assert crash.happened
        # What was durable is answered out of its receipt, what was not is carried out now.
        assert reply["replayed"] == (point != "journal.before_append")
        assert reply["version"] == 1
        assert_same_everywhere(server, "alice", alice)


@pytest.mark.parametrize("point", sorted(set(CRASH_POINTS) - set(OF_A_COMMAND)))
def test_a_death_at_any_other_step_loses_nothing(server: LocalServer, point: str) -> None:
    for user_id in ("alice", "bob"):
        server.seed(user_id, level=2)
    with server.crash_at(point):
        if point.startswith("recovery."):
            server.kill()
        else:
            server.clock.advance(minutes=10)
    for user_id in ("alice", "bob"):
        assert_same_everywhere(server, user_id)
        assert server.read(user_id)["player_progression"]["level"] == 2


def test_a_crash_point_that_is_not_passed_fails_the_test(server: LocalServer) -> None:
    with (
        pytest.raises(AssertionError, match=r"did not pass journal\.after_append"),
        server.crash_at("journal.after_append"),
    ):
        server.read("alice")
    with pytest.raises(ValueError, match="no crash point"), server.crash_at("journal.nowhere"):
        pass
