"""Cases: every version once, in order, and rows that are those of the version shown."""

from cli.conformance import frames
from cli.conformance.trial import Trial, expect


async def changes_raise_the_version_one_by_one(trial: Trial) -> None:
    """Each `changes` frame is applied once, and its events are told once."""
    line = await trial.live(5)
    await line.send(frames.changes(6))
    await line.send(frames.changes(7), frames.changes(8))
    await trial.shows(8)
    await trial.told_versions(6, 7, 8)


async def a_reply_is_the_change_of_its_version(trial: Trial) -> None:
    """A reply that was not replayed is applied like a change."""
    line = await trial.live(5)
    key = await trial.send()
    await line.send(frames.reply(await line.take_of("turn_in_quest"), 6))
    await trial.replied(key, 6)
    await trial.shows(6)
    await trial.told_versions(6)


async def a_reply_stands_among_the_changes(trial: Trial) -> None:
    """Changes of others before and after a reply are applied around it."""
    line = await trial.live(5)
    key = await trial.send()
    command = await line.take_of("turn_in_quest")
    await line.send(frames.changes(6), frames.reply(command, 7), frames.changes(8))
    await trial.replied(key, 7)
    await trial.shows(8)
    await trial.told_versions(6, 7, 8)


async def a_replayed_reply_is_not_applied(trial: Trial) -> None:
    """A reply with `replayed` answers its command and is no change of now."""
    line = await trial.live(5)
    key = await trial.send()
    command = await line.take_of("turn_in_quest")
    await line.send(frames.changes(6, command["command_id"]), frames.changes(7))
    await line.send(frames.reply(command, 6, replayed=True))
    await trial.replied(key, 6)
    await trial.shows(7)
    await trial.told_versions(6, 7)


async def a_reply_that_changed_nothing_raises_nothing(trial: Trial) -> None:
    """A reply at the version that is shown, with nothing changed, only answers."""
    line = await trial.live(5)
    key = await trial.send("acknowledge_level_ups", quest_id="")
    command = await line.take_of("acknowledge_level_ups")
    await line.send({**frames.reply(command, 5), "changes": {}, "events": []})
    await trial.replied(key, 5)
    await line.send(frames.changes(6))
    await trial.shows(6)


async def a_problem_refuses_and_changes_nothing(trial: Trial) -> None:
    """A `problem` is told with its code; the rows stay."""
    line = await trial.live(5)
    key = await trial.send()
    await line.send(frames.problem(await line.take_of("turn_in_quest"), "quest_not_ready"))
    await trial.refused(key, "quest_not_ready")
    await trial.shows(5)


async def answers_find_their_own_commands(trial: Trial) -> None:
    """Two commands under way get each its own answer."""
    line = await trial.live(5)
    first, second = await trial.send(), await trial.send()
    one, other = await line.take_of("turn_in_quest"), await line.take_of("turn_in_quest")
    await line.send(frames.problem(one, "quest_not_found", status=404), frames.reply(other, 6))
    await trial.refused(first, "quest_not_found")
    await trial.replied(second, 6)


async def a_problem_of_no_command_stops_nothing(trial: Trial) -> None:
    """A `problem` without `command_id` belongs to nobody, and nothing breaks."""
    line = await trial.live(5)
    await line.send({"type": "problem", "code": "malformed_body", "status": 400, "retry": "never"})
    await line.send(frames.changes(6))
    await trial.shows(6)


async def a_reply_to_another_device_is_applied(trial: Trial) -> None:
    """A reply whose command this client never sent is still the change of its version."""
    line = await trial.live(5)
    await line.send(frames.reply({"command_id": "somebody-else"}, 6))
    await trial.shows(6)


async def a_gap_in_the_changes_closes_and_resumes(trial: Trial) -> None:
    """A version that is missing is asked for again, from the last one that came."""
    line = await trial.live(5)
    await line.send(frames.changes(6))
    await trial.shows(6)
    await line.send(frames.changes(8))
    await line.left()
    line = await trial.again("e1.6")
    await line.send(frames.welcome(), frames.changes(7), frames.changes(8), frames.caught_up(8))
    await trial.shows(8)
    await trial.told_versions(6, 7, 8)


async def a_gap_before_a_reply_closes_and_resumes(trial: Trial) -> None:
    """A reply that skips a version is a gap; the command is sent again."""
    line = await trial.live(5)
    await trial.send()
    command = await line.take_of("turn_in_quest")
    await line.send(frames.reply(command, 7))
    await line.left()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.changes(6), frames.changes(7, command["command_id"]))
    await line.send(frames.caught_up(7))
    await trial.shows(7)
    await trial.told_versions(6, 7)


async def a_version_that_comes_twice_is_told_once(trial: Trial) -> None:
    """A doubled version is applied once, whether the client goes on or resumes."""
    line = await trial.live(5)
    await line.send(frames.changes(6), frames.changes(6))
    await trial.shows(6)
    await trial.told_versions(6)


async def a_filter_may_leave_nothing_of_a_version(trial: Trial) -> None:
    """`{from, version}` raises the version and changes no row."""
    line = await trial.live(5)
    await line.send(frames.nothing_shown(6, 6), frames.nothing_shown(7, 9))
    rows = await trial.rows("e1.9")
    expect(rows["inventory"], {"potion": 5}, "the inventory")
    await line.send(frames.changes(10))
    await trial.shows(10)


async def rows_of_a_list_are_put_by_their_id(trial: Trial) -> None:
    """A changed quest replaces that quest, a new one is added, the others stay."""
    line = await trial.live(5)
    quests = [frames.quest("q-1", "turned_in"), frames.quest("q-3")]
    await line.send(frames.changes(6, quest_record=quests))
    rows = await trial.shows(6)
    statuses = {quest["quest_id"]: quest["status"] for quest in _listed(rows["quest_record"])}
    expected = {"q-1": "turned_in", "q-2": "active", "q-3": "active"}
    expect(statuses, expected, "the quests")


async def what_is_counted_is_put_by_its_name(trial: Trial) -> None:
    """A changed stack leaves the other stacks as they were."""
    line = await trial.live(5)
    await line.send(frames.changes(6, inventory={"sword": 1}, wallet={"gold": 3}))
    await line.send(frames.changes(7, inventory={"potion": 7}))
    rows = await trial.shows(7)
    expect(rows["inventory"], {"potion": 7, "sword": 1}, "the inventory")
    expect(rows["wallet"], {"gold": 3}, "the wallet")


async def what_falls_to_nothing_is_gone(trial: Trial) -> None:
    """A stack that changed to 0 is a stack no longer."""
    line = await trial.live(5)
    await line.send(frames.changes(6, inventory={"potion": 6, "sword": 1}))
    await line.send(frames.changes(7, inventory={"potion": 7, "sword": 0}))
    rows = await trial.shows(7)
    expect(rows["inventory"], {"potion": 7}, "the inventory")


async def a_state_replaces_everything(trial: Trial) -> None:
    """What a `state` does not hold is gone."""
    line = await trial.live(5)
    await line.send(frames.changes(6, quest_record=[frames.quest("q-9")]))
    await line.send(frames.state(9, "e2", "restored"), frames.caught_up(9))
    rows = await trial.shows(9, "e2")
    expect("q-9" in str(rows["quest_record"]), False, "whether the old quest is shown")


async def a_state_may_go_back(trial: Trial) -> None:
    """After a restore the version is lower; the client takes it, and goes on from there."""
    line = await trial.live(50)
    await line.send(frames.state(3, "e2", "restored"), frames.caught_up(3), frames.changes(4))
    await trial.shows(4, "e2")


def _listed(rows: object) -> list[frames.Frame]:
    return list(rows.values()) if isinstance(rows, dict) else list(rows)  # type: ignore[call-overload]


CASES = (
    changes_raise_the_version_one_by_one,
    a_reply_is_the_change_of_its_version,
    a_reply_stands_among_the_changes,
    a_replayed_reply_is_not_applied,
    a_reply_that_changed_nothing_raises_nothing,
    a_problem_refuses_and_changes_nothing,
    answers_find_their_own_commands,
    a_problem_of_no_command_stops_nothing,
    a_reply_to_another_device_is_applied,
    a_gap_in_the_changes_closes_and_resumes,
    a_gap_before_a_reply_closes_and_resumes,
    a_version_that_comes_twice_is_told_once,
    a_filter_may_leave_nothing_of_a_version,
    rows_of_a_list_are_put_by_their_id,
    what_is_counted_is_put_by_its_name,
    what_falls_to_nothing_is_gone,
    a_state_replaces_everything,
    a_state_may_go_back,
)
