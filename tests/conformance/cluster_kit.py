"""What every cluster promises, whatever carries the messages.  Each check gets a started cluster.

Checks use users of their own, so that they can share a cluster that is slow to start.
"""

import asyncio
from collections.abc import Awaitable, Callable

from actors.cluster.contract import Cluster, UserDirectory
from actors.feeds.changes import Missed, WholeState
from actors.feeds.subscription import read_changes
from actors.messages import ReadChanges, View
from domain.rules.compiled_rules import compile_rules
from domain.state.position import Position
from tests.actors.host_kit import RULES_TEXT, body, command, grant, look
from tests.mirror_kit import Watcher, rows_read

Check = Callable[[Cluster], Awaitable[None]]
DirectoryCheck = Callable[[UserDirectory], Awaitable[None]]

OTHER_RULES_TEXT = RULES_TEXT.replace("  400, 900, 1400,", "  5, 900, 1400,")
"""The same rules, but the first level costs next to nothing."""


def fingerprint(text: str) -> str:
    """What the history calls these rules."""
    return compile_rules(text).fingerprint


OTHER_RULES = fingerprint(OTHER_RULES_TEXT)


async def rules_of(cluster: UserDirectory, user_id: str) -> list[str]:
    """The rules that decided each of the user's grants."""
    (reply,) = await cluster.ask([look(user_id, View.HISTORY)])
    return [entry["rules"] for entry in body(reply)["history"]]


async def a_command_is_answered_and_seen_by_the_next_read(cluster: UserDirectory) -> None:
    """The plain way."""
    (reply,) = await cluster.ask([grant("kit-plain", "c", 500)])
    assert body(reply)["changes"]["player_progression"]["level"] == 2
    (read,) = await cluster.ask([look("kit-plain")])
    assert body(read)["player_progression"]["total_xp"] == 500


async def an_unknown_user_has_the_default_row(cluster: UserDirectory) -> None:
    """Version 0, level 1, nothing written."""
    (read,) = await cluster.ask([look("kit-unknown")])
    assert body(read)["version"] == 0
    assert body(read)["player_progression"]["level"] == 1


async def requests_of_one_message_are_handled_in_order(cluster: UserDirectory) -> None:
    """A list is a sequence."""
    replies = await cluster.ask(
        [
            command("kit-order", "c1", "offer_quest", quest_id="q", reward={"experience": 7}),
            command("kit-order", "c2", "turn_in_quest", quest_id="q"),
            command("kit-order", "c3", "turn_in_quest", quest_id="q"),
            look("kit-order", View.COMMAND, "c1"),
        ]
    )
    assert body(replies[0])["version"] == 1
    assert body(replies[1])["version"] == 2
    assert replies[2].code == "quest_already_turned_in"
    assert body(replies[3])["version"] == 1


async def requests_of_users_of_one_host_go_together(cluster: UserDirectory) -> None:
    """In order, each answered in its place."""
    host = cluster.host_of("kit-many-0")
    users = [f"kit-many-{n}" for n in range(200) if cluster.host_of(f"kit-many-{n}") == host][:20]
    replies = await cluster.ask([grant(user, f"c{n}", 1) for n in (1, 2) for user in users])
    assert [body(reply)["version"] for reply in replies] == [1] * len(users) + [2] * len(users)


async def messages_sent_one_after_the_other_are_handled_in_that_order(
    cluster: UserDirectory,
) -> None:
    """Also when nobody waits for the reply before the next one."""
    replies = await asyncio.gather(
        *(cluster.ask([grant("kit-fifo", f"c{n}", 1)]) for n in range(50))
    )
    assert [body(reply)["version"] for (reply,) in replies] == list(range(1, 51))


async def the_same_command_sent_many_times_at_once_has_one_effect(cluster: UserDirectory) -> None:
    """Retries overtake each other; receipts settle it (P4)."""
    replies = await asyncio.gather(*(cluster.ask([grant("kit-same", "c")]) for _ in range(20)))
    bodies = [body(reply) for (reply,) in replies]
    assert sorted(one["replayed"] for one in bodies) == [False] + [True] * 19
    assert {one["version"] for one in bodies} == {1}


async def many_users_are_served_side_by_side(cluster: UserDirectory) -> None:
    """Versions of one user do not depend on another's."""
    users = [f"kit-many-{n}" for n in range(4)]
    asked = [cluster.ask([grant(user, f"c{n}", 1)]) for n in range(10) for user in users]
    await asyncio.gather(*asked)
    for user in users:
        (read,) = await cluster.ask([look(user)])
        assert body(read)["version"] == 10


async def a_refusal_is_a_reply(cluster: UserDirectory) -> None:
    """With its code, and a sentence that names what came."""
    (reply,) = await cluster.ask([command("kit-no", "c", "turn_in_quest", quest_id="nope")])
    assert reply.code == "quest_not_found"
    assert "nope" in reply.detail


async def a_change_of_rules_reaches_every_user_and_those_to_come(cluster: Cluster) -> None:
    """What was decided before keeps the rules it was decided by."""
    await cluster.ask([grant("kit-rules-1", "c1", 10)])
    await cluster.change_rules(OTHER_RULES_TEXT)
    try:
        for user in ("kit-rules-1", "kit-rules-2"):
            await cluster.ask([grant(user, "c2", 10)])
        assert await rules_of(cluster, "kit-rules-1") == [fingerprint(RULES_TEXT), OTHER_RULES]
        assert await rules_of(cluster, "kit-rules-2") == [OTHER_RULES]
    finally:
        await cluster.change_rules(RULES_TEXT)
    await cluster.ask([grant("kit-rules-2", "c3", 10)])
    assert await rules_of(cluster, "kit-rules-2") == [OTHER_RULES, fingerprint(RULES_TEXT)]


async def a_watcher_sees_the_whole_state_and_then_every_version(cluster: UserDirectory) -> None:
    """Whoever causes them, and in the order of their versions."""
    user = "kit-watched"
    await cluster.ask([grant(user, "c1", 10)])
    watcher = Watcher(cluster, user)
    watcher.resume()
    await watcher.until_caught_up()
    assert (watcher.mirror.whys, watcher.version) == (["first"], 1)
    reward = {"experience": 500, "currency": {"gold": 5}}
    await cluster.ask([command(user, "c2", "offer_quest", quest_id="q", reward=reward)])
    await cluster.ask([command(user, "c3", "turn_in_quest", quest_id="q"), grant(user, "c4", 1)])
    await watcher.until_version(4)
    assert watcher.mirror.rows == await rows_read(cluster, user)
    assert watcher.mirror.command_ids == ["c2", "c3", "c4"]
    assert len(watcher.caught_up_at) == 1
    watcher.cut()


async def whoever_resumes_is_told_what_was_missed_and_nothing_twice(cluster: UserDirectory) -> None:
    """However many listen to one user, each goes on where it was."""
    user = "kit-resumed"
    here, away = Watcher(cluster, user), Watcher(cluster, user)
    for watcher in (here, away):
        watcher.resume()
        await watcher.until_caught_up()
    for version in range(1, 6):
        if version == 2:
            away.cut()
        await cluster.ask([grant(user, f"c{version}")])
        await here.until_version(version)
    away.resume()
    await away.until_caught_up(times=2)
    for watcher in (here, away):
        assert watcher.mirror.whys == ["first"]
        assert watcher.mirror.command_ids == [f"c{version}" for version in range(1, 6)]
        assert watcher.mirror.rows == await rows_read(cluster, user)
        watcher.cut()


async def a_position_of_another_line_of_versions_gets_everything(cluster: UserDirectory) -> None:
    """So does one that is ahead; a bare version is taken as one of this line."""
    user = "kit-positions"
    await cluster.ask([grant(user, f"c{number}") for number in range(3)])
    whole = await read_changes(cluster, ReadChanges(user))
    assert isinstance(whole, WholeState)
    era = whole.position.era
    for after, why in ((Position("0", 3), "era"), (Position(era, 4), "ahead")):
        read = await read_changes(cluster, ReadChanges(user, after))
        assert isinstance(read, WholeState)
        assert (read.why, read.position) == (why, Position(era, 3))
    missed = await read_changes(cluster, ReadChanges(user, Position("", 1)))
    assert isinstance(missed, Missed)
    assert [change.position for change in missed.changes] == [Position(era, 2), Position(era, 3)]


DIRECTORY_CHECKS: tuple[DirectoryCheck, ...] = (
    a_watcher_sees_the_whole_state_and_then_every_version,
    whoever_resumes_is_told_what_was_missed_and_nothing_twice,
    a_position_of_another_line_of_versions_gets_everything,
    a_command_is_answered_and_seen_by_the_next_read,
    an_unknown_user_has_the_default_row,
    requests_of_one_message_are_handled_in_order,
    requests_of_users_of_one_host_go_together,
    messages_sent_one_after_the_other_are_handled_in_that_order,
    the_same_command_sent_many_times_at_once_has_one_effect,
    many_users_are_served_side_by_side,
    a_refusal_is_a_reply,
)
CHECKS: tuple[Check, ...] = (
    *DIRECTORY_CHECKS,
    a_change_of_rules_reaches_every_user_and_those_to_come,
)
