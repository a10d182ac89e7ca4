"""Tests of the match server, as a game team writes them: with the fixtures of questkeep[testing].

.venv/bin/python -m pytest examples/match_server
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from examples.match_server.match_server import Summary, play
from questkeep_client.sync import User
from questkeep_testing.asserts import assert_quest_turned_in, assert_same_everywhere
from questkeep_testing.network import Network
from questkeep_testing.server import LocalServer

PARTY = [f"player-{number}" for number in range(20)]
WAVES = 3
COMMANDS = len(PARTY) * (WAVES + 2)


def played(questkeep: LocalServer, url: str = "") -> Summary:
    token = questkeep.service_token("match-server")
    return asyncio.run(play(url or questkeep.url, token, "m1", PARTY, WAVES))


def assert_everybody_was_paid_once(questkeep: LocalServer) -> None:
    for user_id in PARTY:
        assert_quest_turned_in(questkeep, user_id, "hunt-m1")
        assert questkeep.read(user_id)["wallet"] == {"gold": 20}


def test_everybody_in_the_party_is_paid(questkeep: LocalServer) -> None:
    assert played(questkeep) == Summary(COMMANDS, len(PARTY), ())
    assert_everybody_was_paid_once(questkeep)


def test_a_match_that_is_played_again_pays_nobody_twice(questkeep: LocalServer) -> None:
    played(questkeep)
    assert played(questkeep) == Summary(0, 0, ())
    assert_everybody_was_paid_once(questkeep)


def test_a_server_that_dies_in_the_middle_costs_nobody_anything(questkeep: LocalServer) -> None:
    with questkeep.crash_at("journal.after_append"):
        assert not played(questkeep).problems
    assert_everybody_was_paid_once(questkeep)


def test_a_line_that_breaks_in_the_middle_costs_nobody_anything(
    questkeep: LocalServer, questkeep_network: Network
) -> None:
    questkeep_network.cut_after(5_000)
    assert not played(questkeep, questkeep_network.url).problems
    assert_everybody_was_paid_once(questkeep)


def test_a_player_sees_the_hunt_while_it_goes_on(
    questkeep: LocalServer, questkeep_player: Callable[..., User]
) -> None:
    player = questkeep_player(PARTY[0])
    played(questkeep)
    assert_same_everywhere(questkeep, PARTY[0], player)
    assert player.progression.level == 2


def test_it_runs_as_a_program(questkeep: LocalServer) -> None:
    options = ["--url", questkeep.url, "--token", questkeep.service_token(), "--players", "10"]
    command = [sys.executable, str(Path(__file__).with_name("match_server.py")), *options]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert printed.startswith("70 commands in ")
    assert printed.endswith(" 10 levels reached\n")


def test_another_match_is_another_hunt(questkeep: LocalServer) -> None:
    played(questkeep)
    token = questkeep.service_token("match-server")
    summary = asyncio.run(play(questkeep.url, token, "m2", PARTY[:1], WAVES))
    assert not summary.problems
    assert questkeep.read(PARTY[0])["wallet"] == {"gold": 40}
