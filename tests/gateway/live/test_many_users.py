"""The line of many users: who is shown, what of them, and whose frames are whose."""

from typing import Any

import pytest

from tests.gateway.live.live_kit import Client, Frame, command, grant, server

QUEST = {"quest_id": "q", "reward": {"experience": 40, "items": {"sword": 1}}}


def offer(command_id: str, user_id: str) -> Frame:
    return command("offer_quest", command_id, user_id=user_id, **QUEST)


def watch(*user_ids: str, kind: str = "watch", **after: str) -> Frame:
    """Show these from the beginning, and those from a position."""
    users: list[Frame] = [{"user_id": user_id} for user_id in user_ids]
    users += [{"user_id": user_id, "after": position} for user_id, position in after.items()]
    return {"type": kind, "users": users}


async def told(client: Client, count: int) -> list[str]:
    """So many frames in words, those of each user in their order."""
    frames = [await client.hear() for _ in range(count)]
    words = [f"{each['user_id']} {each['type']} {each.get('version')}" for each in frames]
    return sorted(words, key=lambda word: word.split(" ")[0])


async def nothing_more(client: Client) -> None:
    """The next frame is the answer to a tick."""
    await client.send({"type": "tick"})
    assert (await client.hear())["type"] == "tick"


async def test_nothing_is_shown_until_it_is_asked_for_and_only_what_is_asked_for() -> None:
    async with server() as here, here.service() as game, here.service() as other:
        assert (await game.hear())["limits"]["unanswered"] == 4_096
        await other.hear_of("welcome")
        await other.send(grant("a1", user_id="a"), grant("b1", user_id="b"))
        assert await told(other, 2) == ["a reply 1", "b reply 1"]
        await nothing_more(game)
        await game.send(watch("a", "c"))
        assert await told(game, 4) == ["a state 1", "a caught_up 1", "c state 0", "c caught_up 0"]
        await other.send(grant("a2", user_id="a"), grant("b2", user_id="b"))
        assert await told(other, 2) == ["a reply 2", "b reply 2"]
        assert await told(game, 1) == ["a changes 2"]
        await game.send(watch("a", "nobody", kind="unwatch"))
        await other.send(grant("a3", user_id="a"), grant("c1", user_id="c"))
        assert await told(game, 1) == ["c changes 1"]
        await nothing_more(game)


async def test_each_user_is_resumed_from_their_own_position() -> None:
    async with server() as here, here.service() as game:
        await game.hear_of("welcome")
        await game.send(*[grant(f"{user}{n}", user_id=user) for user in "abc" for n in range(3)])
        assert len(await told(game, 9)) == 9
        await game.send(watch("a"))
        era = (await game.hear_of("state"))["era"]
        assert await told(game, 1) == ["a caught_up 3"]
        positions = {"a": f"{era}.3", "b": f"{era}.1", "c": f"{era}.9", "d": "1"}
        await game.send(watch(**positions))
        assert await told(game, 8) == [
            *("a caught_up 3", "b changes 2", "b changes 3", "b caught_up 3"),
            *("c state 3", "c caught_up 3", "d state 0", "d caught_up 0"),
        ]
        resumes = here.app.metrics.live().resumes
        assert (resumes["changes"], resumes["ahead"]) == (2, 2)
        await game.send(watch(b="another.2"))
        assert (await game.hear_of("state"))["why"] == "era"


async def test_commands_of_many_users_are_answered_in_order_for_each() -> None:
    async with server() as here, here.service() as game:
        await game.hear_of("welcome")
        users = [f"u{number}" for number in range(20)]
        await game.send(watch(*users))
        await told(game, 40)
        await game.send(*[offer(f"o{user}", user) for user in users])
        for user in users:
            turn_in = command("turn_in_quest", f"t{user}", user_id=user, quest_id="q")
            wrong = command("turn_in_quest", f"w{user}", user_id=user, quest_id="none")
            await game.send(turn_in, wrong, turn_in)
        words = ["reply 1", "reply 2", "problem None", "reply 2"]
        expected = [f"{user} {word}" for user in sorted(users) for word in words]
        assert await told(game, 80) == expected
        await nothing_more(game)


async def test_what_is_no_command_of_a_user_is_a_problem_in_its_place() -> None:
    async with server() as here, here.service() as game:
        await game.hear_of("welcome")
        for sent, code in [
            (grant("g1"), "invalid_id"),
            (grant("g2", user_id="a b"), "invalid_id"),
            (grant("g3", user_id="me"), "invalid_id"),
            (grant("g4", user_id="a", amount=-1), "invalid_field"),
            (grant("g5", user_id="a", colour="red"), "invalid_field"),
            (command("no_such", "g6", user_id="a"), "unknown_command"),
            (command("turn_in_quest", "g7", user_id="a", quest_id="q"), "quest_not_found"),
        ]:
            await game.send(sent)
            problem = await game.hear()
            assert (problem["type"], problem["code"]) == ("problem", code), problem
            assert problem["command_id"] == sent["command_id"]
        async with here.connect() as player:
            await player.hear_of("caught_up")
            await player.send(grant("g"))
            assert (await player.hear())["code"] == "not_allowed"
            await player.send({"type": "turn_in_quest", "quest_id": "q"})
            assert (await player.hear())["code"] == "invalid_field"


async def test_brief_replies_are_whole_for_users_who_are_shown() -> None:
    async with server() as here, here.service("/v1/live?replies=brief") as game:
        await game.hear_of("welcome")
        await game.send(grant("a1", user_id="a"))
        reply = await game.hear()
        assert reply["version"] == 1
        assert "changes" not in reply
        await game.send(watch("a"))
        assert await told(game, 2) == ["a state 1", "a caught_up 1"]
        await game.send(grant("a2", user_id="a"))
        assert (await game.hear())["changes"]["player_progression"]["total_xp"] == 20


async def test_a_brief_reply_and_a_watch_that_cross_leave_no_version_out() -> None:
    async with server() as here, here.service("/v1/live?replies=brief") as game:
        await game.hear_of("welcome")
        for number in range(20):
            user = f"u{number}"
            await game.send(grant(f"{user}.1", user_id=user))
            await game.send(watch(user))
            shown: int | None = None
            frames: list[Frame] = []
            while {"reply", "caught_up"} - {each["type"] for each in frames}:
                frame = await game.hear()
                frames.append(frame)
                if frame["type"] in ("state", "caught_up"):
                    shown = frame["version"]
                elif frame["type"] == "changes":
                    assert frame["version"] == (shown or 0) + 1
                    shown = frame["version"]
                elif shown is not None:
                    assert frame["replayed"] or "changes" in frame, frames


@pytest.mark.parametrize(
    ("query", "shown", "events"),
    [
        ("", {"player_progression", "chapter_progression", "quest_record", "inventory"}, True),
        ("rows=progression,events", {"player_progression"}, True),
        ("rows=quests", {"quest_record"}, False),
        ("rows=goods", {"inventory", "wallet", "affinity"}, False),
    ],
)
async def test_rows_choose_what_is_shown(query: str, shown: set[str], events: bool) -> None:
    async with server() as here, here.service() as game:
        async with here.connect(f"/v1/users/me/live?{query}") as player:
            state = await player.hear_of("state")
            assert shown <= set(state)
            if query:
                assert set(state) == {"type", "era", "version", "why", *shown}
            await player.hear_of("caught_up")
            await game.send(offer("o", "alice"))
            turn_in = command("turn_in_quest", "t", user_id="alice", quest_id="q")
            await game.send(turn_in, command("acknowledge_level_ups", "k", user_id="alice"))
            frames = [await player.hear() for _ in range(2)]
            assert [frame["version"] for frame in frames] == [1, 2]
            for frame in frames:
                if "changes" in frame:
                    assert not query or set(frame["changes"]) <= shown
                    assert ("events" in frame) is events
                else:
                    assert frame == {
                        "type": "changes",
                        "from": frame["version"],
                        "version": frame["version"],
                    }
            assert any("changes" in frame for frame in frames)


async def test_what_is_settled_can_be_left_out_and_is_counted() -> None:
    async with server() as here, here.service() as game:
        await game.hear_of("welcome")
        await game.send(offer("o", "alice"), offer("o2", "alice") | {"quest_id": "q2"})
        await game.send(command("turn_in_quest", "t", user_id="alice", quest_id="q"))
        for _ in range(3):
            await game.hear_of("reply")
        async with here.connect("/v1/users/me/live?settled=none") as player:
            state = await player.hear_of("state")
            assert [quest["quest_id"] for quest in state["quest_record"]] == ["q2"]
            assert state["left_out"]["quests"] == 1
            await player.hear_of("caught_up")
            await player.send(command("turn_in_quest", "t2", quest_id="q2"))
            [quest] = (await player.hear_of("reply"))["changes"]["quest_record"]
            assert quest["quest_id"] == "q2"


async def test_a_command_whose_receipt_may_be_gone_is_not_carried_out() -> None:
    async with server() as here, here.service("/v1/users/alice/live") as game:
        era = (await game.hear_of("state"))["era"]
        await game.hear_of("caught_up")
        await game.send(grant("early", since=f"{era}.0"))
        assert (await game.hear_of("reply"))["version"] == 1
        for _ in range(2):
            await game.send(*[grant(f"g{_}.{number}") for number in range(100)])
        answers: list[Any] = [await game.hear_of("reply") for _ in range(200)]
        assert answers[-1]["version"] == 201
        for since in (f"{era}.0", "another.200"):
            await game.send(grant("again", since=since))
            problem = await game.hear()
            assert (problem["code"], problem["retry"]) == ("receipt_gone", "new")
        await game.send(grant("again", since=f"{era}.200"))
        assert (await game.hear())["version"] == 202


@pytest.mark.parametrize("named", [{}, {"user_id": "not an id"}, {"user_id": 5}])
async def test_a_command_of_nobody_is_refused_without_a_user_id(named: dict[str, Any]) -> None:
    async with server() as here, here.service() as game:
        await game.send(grant("c", **named))
        problem = await game.hear_of("problem")
        assert (problem["code"], problem["command_id"]) == ("invalid_id", "c")
        assert "user_id" not in problem


async def test_receipts_reach_back_exactly_as_far_as_welcome_says() -> None:
    async with server() as here, here.service() as game:
        receipts = (await game.hear_of("welcome"))["limits"]["receipts"]
        newest = receipts + 20
        await game.send(*[grant(f"g{number}", user_id="a") for number in range(newest)])
        await told(game, newest)
        await game.send(watch("a"))
        era = (await game.hear_of("state"))["era"]
        await game.hear_of("caught_up")
        for missed, whole in ((receipts, False), (receipts + 1, True)):
            await game.send(watch(a=f"{era}.{newest - missed}"))
            heard = await told(game, 2 if whole else missed + 1)
            assert heard[0].startswith("a state" if whole else "a changes")
            assert heard[-1] == f"a caught_up {newest}"
        within, beyond = f"{era}.{newest - receipts}", f"{era}.{newest - receipts - 1}"
        await game.send(grant("beyond", user_id="a", since=beyond))
        assert (await game.hear_of("problem"))["code"] == "receipt_gone"
        await game.send(grant("within", user_id="a", since=within))
        assert await told(game, 1) == [f"a reply {newest + 1}"]


async def test_watching_twice_begins_again_and_counts_once() -> None:
    async with server() as here, here.service() as game:
        await game.hear_of("welcome")
        await game.send(watch("a"))
        assert await told(game, 2) == ["a state 0", "a caught_up 0"]
        await game.send(
            watch("a"), grant("a1", user_id="a"), watch("a"), watch("a", kind="unwatch")
        )
        await game.send(grant("a2", user_id="a"))
        assert await told(game, 2) == ["a reply 1", "a reply 2"]
        await nothing_more(game)
