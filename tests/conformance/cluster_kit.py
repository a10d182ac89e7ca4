"""What every cluster promises, whatever carries the messages.  Each check gets a started cluster.

Checks use users of their own, so that they can share a cluster that is slow to start.
"""

import asyncio
from collections.abc import Awaitable, Callable

from actors.cluster.contract import Cluster, UserDirectory
from actors.messages import View
from domain.rules.compiled_rules import compile_rules
from tests.actors.host_kit import RULES_TEXT, body, command, grant, look

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


DIRECTORY_CHECKS: tuple[DirectoryCheck, ...] = (
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
