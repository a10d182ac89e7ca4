"""Cases: after any break the client goes on exactly where it was."""

from cli.conformance import frames
from cli.conformance.trial import Trial, expect


async def a_cut_line_is_resumed_from_the_last_version(trial: Trial) -> None:
    """After a cut the client connects again, and names era and version."""
    line = await trial.live(5)
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.caught_up(5), frames.changes(6))
    await trial.shows(6)


async def missed_changes_are_applied_once(trial: Trial) -> None:
    """What was missed comes as changes; events are told once over all connections."""
    line = await trial.live(5)
    await line.send(frames.changes(6))
    await trial.shows(6)
    line.cut()
    line = await trial.again("e1.6")
    await line.send(frames.welcome(), frames.changes(7), frames.changes(8), frames.caught_up(8))
    await trial.shows(8)
    await trial.told_versions(6, 7, 8)


async def a_cut_while_catching_up_resumes_in_the_middle(trial: Trial) -> None:
    """What came before the second cut is not asked for again."""
    line = await trial.live(5)
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.changes(6), frames.changes(7))
    await trial.shows(7)
    line.cut()
    line = await trial.again("e1.7")
    await line.send(frames.welcome(), frames.changes(8), frames.caught_up(8))
    await trial.shows(8)
    await trial.told_versions(6, 7, 8)


async def an_era_that_changed_while_away_replaces_everything(trial: Trial) -> None:
    """A state of another era is taken whole, though its version is lower."""
    line = await trial.live(50)
    line.cut()
    line = await trial.again("e1.50")
    await line.send(frames.welcome(), frames.state(4, "e2", "era"), frames.caught_up(4))
    await trial.shows(4, "e2")
    line.cut()
    await trial.again("e2.4")


async def too_much_missed_comes_as_a_state(trial: Trial) -> None:
    """`too_old` replaces everything in the same era."""
    line = await trial.live(5)
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.state(900, why="too_old"), frames.caught_up(900))
    await trial.shows(900)


async def a_cut_before_the_first_state_asks_for_everything(trial: Trial) -> None:
    """Without a state there is no position to name."""
    line = await trial.connect()
    await line.send(frames.welcome())
    line.cut()
    line = await trial.server.line()
    expect("after" in line.query, False, "whether `after` is named")


async def a_cut_between_state_and_caught_up_resumes_from_the_state(trial: Trial) -> None:
    """The state alone is enough to go on from."""
    line = await trial.connect()
    await line.send(frames.welcome(), frames.state(5))
    await trial.shows(5)
    line.cut()
    await trial.again("e1.5")


async def many_cuts_double_nothing(trial: Trial) -> None:
    """Ten cuts in a row, a version between each: every one is told once."""
    line = await trial.live(5)
    for version in range(6, 16):
        await line.send(frames.changes(version))
        await trial.shows(version)
        line.cut()
        line = await trial.again(f"e1.{version}")
        await line.send(frames.welcome(), frames.caught_up(version))
    await trial.told_versions(*range(6, 16))


async def the_status_tells_how_it_stands(trial: Trial) -> None:
    """The client says that it is live, that it is not, and that it is again."""
    line = await trial.live(5)
    await trial.becomes("live")
    line.cut()
    line = await trial.again("e1.5")
    await line.send(frames.welcome(), frames.caught_up(5))
    await trial.becomes("live")


async def silence_is_noticed(trial: Trial) -> None:
    """A server that says nothing for `ping_ms` and 10 s more is left, and resumed."""
    line = await trial.connect()
    await line.send(frames.welcome(ping_ms=300), frames.state(5), frames.caught_up(5))
    await trial.shows(5)
    line = await trial.server.line(16)
    expect(line.query.get("after"), "e1.5", "the position `after`")


async def a_tick_keeps_the_line(trial: Trial) -> None:
    """Ticks are answered by nothing and change nothing."""
    line = await trial.live(5)
    await line.send({"type": "tick", "now": frames.AT})
    await line.nothing_comes(0.3)


async def waking_up_asks_whether_the_line_is_alive(trial: Trial) -> None:
    """After sleep the client sends `tick`; without an answer in 3 s it resumes."""
    line = await trial.live(5)
    await trial.client.tell("wake")
    await line.take_of("tick")
    line = await trial.server.line(8)
    expect(line.query.get("after"), "e1.5", "the position `after`")


async def waking_up_on_a_live_line_keeps_it(trial: Trial) -> None:
    """After sleep an answered `tick` keeps the connection."""
    line = await trial.live(5)
    await trial.client.tell("wake")
    await line.take_of("tick")
    await line.send({"type": "tick", "now": frames.AT}, frames.changes(6))
    await trial.shows(6)
    await trial.server.no_line(4)


CASES = (
    a_cut_line_is_resumed_from_the_last_version,
    missed_changes_are_applied_once,
    a_cut_while_catching_up_resumes_in_the_middle,
    an_era_that_changed_while_away_replaces_everything,
    too_much_missed_comes_as_a_state,
    a_cut_before_the_first_state_asks_for_everything,
    a_cut_between_state_and_caught_up_resumes_from_the_state,
    many_cuts_double_nothing,
    the_status_tells_how_it_stands,
    silence_is_noticed,
    a_tick_keeps_the_line,
    waking_up_asks_whether_the_line_is_alive,
    waking_up_on_a_live_line_keeps_it,
)
