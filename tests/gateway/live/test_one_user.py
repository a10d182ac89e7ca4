"""A player's own line: the state first, then every version once, and replies in their places."""

import pytest

from tests.gateway.gateway_kit import SERVICE
from tests.gateway.live.live_kit import JSON, MSGPACK, command, grant, server


@pytest.mark.parametrize("form", [JSON, MSGPACK])
async def test_a_line_begins_with_welcome_state_and_caught_up(form: str) -> None:
    async with server() as here, here.connect(subprotocols=[form]) as player:
        welcome, state, caught_up = [await player.hear() for _ in range(3)]
        assert welcome["type"] == "welcome"
        assert welcome["role"] == "player"
        assert welcome["limits"]["unanswered"] == 64
        assert state["type"] == "state"
        assert (state["why"], state["version"]) == ("first", 0)
        assert state["player_progression"]["level"] == 1
        assert caught_up == {"type": "caught_up", "version": 0}


async def test_changes_of_others_come_and_own_replies_are_the_change_of_their_version() -> None:
    async with server() as here, here.connect() as player, here.service() as game:
        await player.hear_of("caught_up")
        offer = {"quest_id": "q", "reward": {"experience": 40}}
        await game.send(command("offer_quest", "o", user_id="alice", **offer))
        changes = await player.hear()
        assert (changes["type"], changes["version"], changes["command_id"]) == ("changes", 1, "o")
        await player.send(command("turn_in_quest", "t", quest_id="q"))
        reply = await player.hear()
        assert (reply["type"], reply["version"], reply["replayed"]) == ("reply", 2, False)
        assert reply["changes"]["player_progression"]["total_xp"] == 40
        await game.send(grant("g", user_id="alice"))
        assert (await player.hear())["version"] == 3


async def test_a_resume_tells_what_was_missed_and_only_that() -> None:
    async with server() as here, here.service("/v1/users/alice/live") as game:
        era = (await game.hear_of("state"))["era"]
        for number in range(5):
            await game.send(grant(f"g{number}"))
            await game.hear_of("reply")
        async with here.connect(f"/v1/users/me/live?after={era}.2") as player:
            frames = [await player.hear() for _ in range(5)]
            kinds = [(frame["type"], frame.get("version")) for frame in frames]
            missed = [("changes", version) for version in (3, 4, 5)]
            assert kinds == [("welcome", None), *missed, ("caught_up", 5)]


async def test_a_command_sent_again_is_replayed_and_refusals_keep_their_order() -> None:
    async with server() as here, here.connect(bearer=SERVICE, path="/v1/users/bob/live") as line:
        await line.hear_of("caught_up")
        wrong = command("turn_in_quest", "w", quest_id="none")
        await line.send(grant("g"), wrong, grant("g"), {"type": "tick"})
        await line.hear_of("tick")
        answers = [await line.hear_of("reply", "problem") for _ in range(3)]
        assert [answer["command_id"] for answer in answers] == ["g", "w", "g"]
        assert answers[1]["code"] == "quest_not_found"
        assert [answers[0]["replayed"], answers[2]["replayed"]] == [False, True]
