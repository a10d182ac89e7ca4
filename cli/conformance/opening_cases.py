"""Cases: how a connection begins, and what a client must not trip over."""

import re

from cli.conformance import frames
from cli.conformance.scripted_server import FORMATS
from cli.conformance.trial import Trial, expect, token


async def a_player_connects_to_their_own_user_without_after(trial: Trial) -> None:
    """The first connection of a player is `/v1/users/me/live` and asks for everything."""
    line = await trial.connect()
    expect(re.sub("/users/[^/]+/", "/users/me/", line.path), "/v1/users/me/live", "the path")
    expect("after" in line.query, False, "whether `after` is named")


async def a_service_connects_to_the_line_of_many_users(trial: Trial) -> None:
    """A service's connection is `/v1/live`."""
    line = await trial.connect("service")
    expect(line.path, "/v1/live", "the path")


async def a_known_format_is_offered(trial: Trial) -> None:
    """The client offers `questkeep.v1.json` or `questkeep.v1.msgpack`."""
    line = await trial.connect()
    expect(line.format in FORMATS, True, "whether a known subprotocol was offered")


async def the_token_stands_in_no_query(trial: Trial) -> None:
    """The token is in `Authorization` or offered as `bearer.<token>`, never in the query."""
    line = await trial.connect()
    expect(line.token, token(), "the token")
    expect(token() in str(line.query), False, "whether the token stands in the query")


async def welcome_state_and_caught_up_may_come_in_one_list(trial: Trial) -> None:
    """A message may be a list of frames, the first one too."""
    line = await trial.connect()
    await line.send(frames.welcome(), frames.state(5), frames.caught_up(5))
    await trial.shows(5)


async def frames_may_come_one_by_one(trial: Trial) -> None:
    """A message may be a single frame."""
    line = await trial.connect()
    for frame in (frames.welcome(), frames.state(5), frames.caught_up(5), frames.changes(6)):
        await line.send(frame)
    await trial.shows(6)


async def a_slow_state_loses_no_command(trial: Trial) -> None:
    """A command that is sent before the state has come is kept and answered."""
    line = await trial.connect()
    await line.send(frames.welcome())
    key = await trial.send()
    await trial.not_answered(key)
    await line.send(frames.state(5), frames.caught_up(5))
    command = await line.take_of("turn_in_quest")
    await line.send(frames.reply(command, 6))
    await trial.replied(key, 6)
    await trial.shows(6)


async def types_that_nobody_knows_are_ignored(trial: Trial) -> None:
    """A frame of an unknown type changes nothing and ends nothing."""
    line = await trial.live(5)
    await line.send({"type": "fireworks", "version": 900, "changes": {}})
    await line.send(frames.changes(6))
    await trial.shows(6)


async def members_that_nobody_knows_are_ignored(trial: Trial) -> None:
    """Unknown members of a frame, of a row and of `changes` do no harm."""
    line = await trial.connect()
    await line.send(frames.welcome(mood="sunny"), frames.state(5, pets=[{"pet_id": "p"}]))
    await line.send({**frames.changes(6, pets=[{"pet_id": "p"}]), "weather": {"rain": True}})
    await trial.shows(6)


async def an_unknown_event_stops_nothing(trial: Trial) -> None:
    """A change with an event of an unknown type is applied as any other."""
    line = await trial.live(5)
    news = frames.changes(6)
    await line.send({**news, "events": [{"type": "comet_seen", "tail": [1, 2]}, *news["events"]]})
    await line.send(frames.changes(7))
    await trial.shows(7)


async def a_clock_that_is_wrong_does_no_harm(trial: Trial) -> None:
    """`now` and `token_expires_at` of a server whose clock is years off change nothing."""
    line = await trial.connect()
    await line.send(frames.welcome(now=1, token_expires_at=2))
    await line.send(frames.state(5), frames.caught_up(5))
    await line.send({"type": "tick", "now": frames.AT * 2}, frames.changes(6))
    await trial.shows(6)
    await trial.server.no_line(0.5)


async def rules_in_force_may_change(trial: Trial) -> None:
    """A `rules` frame is news, not a change of the user."""
    line = await trial.live(5)
    await line.send({"type": "rules", "fingerprint": "r-2"}, frames.changes(6))
    await trial.shows(6)


CASES = (
    a_player_connects_to_their_own_user_without_after,
    a_service_connects_to_the_line_of_many_users,
    a_known_format_is_offered,
    the_token_stands_in_no_query,
    welcome_state_and_caught_up_may_come_in_one_list,
    frames_may_come_one_by_one,
    a_slow_state_loses_no_command,
    types_that_nobody_knows_are_ignored,
    members_that_nobody_knows_are_ignored,
    an_unknown_event_stops_nothing,
    a_clock_that_is_wrong_does_no_harm,
    rules_in_force_may_change,
)
