"""Cases: a command takes effect once, however often the line breaks."""

from cli.conformance import frames
from cli.conformance.scripted_server import Line
from cli.conformance.trial import Trial, expect


async def a_command_names_the_position_it_was_sent_at(trial: Trial) -> None:
    """`since` is era and version as shown when the command was first sent."""
    line = await trial.live(5)
    await trial.send()
    expect((await line.take_of("turn_in_quest")).get("since"), "e1.5", "`since`")


async def every_command_has_an_id_of_its_own(trial: Trial) -> None:
    """Ids are 1 to 128 characters and never the same."""
    line = await trial.live(5)
    for _ in range(20):
        await trial.send()
    ids = {(await line.take_of("turn_in_quest"))["command_id"] for _ in range(20)}
    expect(len(ids), 20, "how many different ids")
    expect(all(1 <= len(one) <= 128 for one in ids), True, "whether each has a good length")


async def an_unanswered_command_is_sent_again_alike(trial: Trial) -> None:
    """After a cut: the same id and the same `since`, although the version has moved."""
    line = await trial.live(5)
    key = await trial.send()
    first = await line.take_of("turn_in_quest")
    await line.send(frames.changes(6), frames.changes(7))
    await trial.shows(7)
    line.cut()
    line = await trial.again("e1.7")
    await line.send(frames.welcome(), frames.caught_up(7))
    expect(await line.take_of("turn_in_quest"), first, "the repeated command")
    await line.send(frames.reply(first, 8))
    await trial.replied(key, 8)


async def unanswered_commands_keep_their_order(trial: Trial) -> None:
    """After a cut what has no answer comes in its old order."""
    line = await trial.live(5)
    for _ in range(5):
        await trial.send()
    first = await _ids(line, 5)
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.caught_up(5))
    expect(await _ids(line, 5), first, "the order of the repeated commands")


async def an_answered_command_is_not_sent_again(trial: Trial) -> None:
    """Only what has no answer is repeated."""
    line = await trial.live(5)
    answered, refused, open_ = await trial.send(), await trial.send(), await trial.send()
    commands = [await line.take_of("turn_in_quest") for _ in range(3)]
    await line.send(frames.reply(commands[0], 6))
    await line.send(frames.problem(commands[1], "quest_not_found"))
    await trial.replied(answered, 6)
    await trial.refused(refused, "quest_not_found")
    line.cut()
    line = await trial.again("e1.6")
    await line.send(frames.welcome(), frames.caught_up(6))
    expect(await _ids(line, 1), [commands[2]["command_id"]], "what was repeated")
    await line.nothing_comes(0.4)
    await trial.not_answered(open_)


async def a_lost_reply_is_asked_for_and_not_applied_twice(trial: Trial) -> None:
    """The change came as `changes`; the repeated command hears a replayed reply."""
    line = await trial.live(5)
    key = await trial.send()
    command = await line.take_of("turn_in_quest")
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.changes(6, command["command_id"]))
    await line.send(frames.caught_up(6))
    again = await line.take_of("turn_in_quest")
    await line.send(frames.reply(again, 6, replayed=True))
    await trial.replied(key, 6)
    await trial.shows(6)
    await trial.told_versions(6)


async def commands_sent_offline_leave_later(trial: Trial) -> None:
    """A command that is given while there is no line leaves on the next, with its `since`."""
    line = await trial.live(5)
    trial.server.refuse = lambda token: (503, {"code": "overloaded", "retry": "same"})
    line.cut()
    keys = [await trial.send() for _ in range(3)]
    trial.server.refuse = lambda token: None
    line = await trial.server.line(8)
    await line.send(frames.welcome(), frames.caught_up(5))
    commands = [await line.take_of("turn_in_quest") for _ in range(3)]
    quests = [command["quest_id"] for command in commands]
    expect(quests, [key.replace("k", "q-") for key in keys], "the order of what left")
    expect({command["since"] for command in commands}, {"e1.5"}, "`since` of what left")


async def same_is_tried_again_under_the_same_id(trial: Trial) -> None:
    """A problem with `retry: same` is no answer: the same command comes again."""
    line = await trial.live(5)
    key = await trial.send()
    first = await line.take_of("turn_in_quest")
    busy = frames.problem(first, "user_busy", "same", 429, retry_after_ms=50)
    await line.send(busy)
    again = await line.take_of("turn_in_quest")
    expect(again["command_id"], first["command_id"], "the id of the second try")
    await trial.not_answered(key)
    await line.send(frames.reply(again, 6))
    await trial.replied(key, 6)


async def an_unknown_outcome_may_come_as_changes(trial: Trial) -> None:
    """`outcome_unknown`, then its change: the repeat hears a replayed reply; nothing doubles."""
    line = await trial.live(5)
    key = await trial.send()
    command = await line.take_of("turn_in_quest")
    await line.send(frames.problem(command, "outcome_unknown", "same", 504))
    await line.send(frames.changes(6, command["command_id"]))
    again = await line.take_of("turn_in_quest")
    await line.send(frames.reply(again, 6, replayed=True))
    await trial.replied(key, 6)
    await trial.shows(6)
    await trial.told_versions(6)


async def a_gone_receipt_refuses(trial: Trial) -> None:
    """`receipt_gone` is told: whether it ran cannot be known."""
    line = await trial.live(5)
    key = await trial.send()
    await line.send(frames.problem(await line.take_of("turn_in_quest"), "receipt_gone", "new"))
    await trial.refused(key, "receipt_gone")


async def many_commands_keep_to_the_limits(trial: Trial) -> None:
    """Lists and frames stay within what `welcome` said."""
    line = await trial.connect()
    limits = {**frames.LIMITS, "list": 7, "frame_bytes": 2_000}
    await line.send(frames.welcome(limits=limits), frames.state(5), frames.caught_up(5))
    await trial.shows(5)
    for _ in range(40):
        await trial.send()
    await _ids(line, 40)
    expect(line.longest_list <= 7, True, f"whether lists stay at 7 (longest {line.longest_list})")
    expect(line.largest <= 2_000, True, f"whether frames stay at 2,000 bytes ({line.largest})")


async def a_command_in_doubt_survives_another_era(trial: Trial) -> None:
    """In another era the command is repeated with its old `since`: the server is to judge."""
    line = await trial.live(50)
    key = await trial.send()
    first = await line.take_of("turn_in_quest")
    line.cut()
    line = await trial.again("e1.50")
    await line.send(frames.welcome(), frames.state(4, "e2", "era"), frames.caught_up(4))
    again = await line.take_of("turn_in_quest")
    expect(again, first, "the repeated command")
    await line.send(frames.problem(again, "receipt_gone", "new"))
    await trial.refused(key, "receipt_gone")
    await trial.shows(4, "e2")


async def _ids(line: Line, count: int) -> list[str]:
    return [(await line.take_of("turn_in_quest"))["command_id"] for _ in range(count)]


CASES = (
    a_command_names_the_position_it_was_sent_at,
    every_command_has_an_id_of_its_own,
    an_unanswered_command_is_sent_again_alike,
    unanswered_commands_keep_their_order,
    an_answered_command_is_not_sent_again,
    a_lost_reply_is_asked_for_and_not_applied_twice,
    commands_sent_offline_leave_later,
    same_is_tried_again_under_the_same_id,
    an_unknown_outcome_may_come_as_changes,
    a_gone_receipt_refuses,
    many_commands_keep_to_the_limits,
    a_command_in_doubt_survives_another_era,
)
