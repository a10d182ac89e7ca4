"""Cases: one connection of a service for many users."""

from cli.conformance import frames
from cli.conformance.scripted_server import Line
from cli.conformance.trial import Trial, expect, token


async def nothing_is_watched_until_asked(trial: Trial) -> None:
    """A new connection of a service says nothing by itself."""
    line = await trial.connect("service")
    await line.send(frames.welcome(role="service"))
    await line.nothing_comes(0.3)


async def each_user_has_a_line_of_versions_of_their_own(trial: Trial) -> None:
    """Two users' frames come mixed, and stay apart."""
    line = await _watching(trial, alice=5, bob=20)
    await line.send(frames.changes(6, user="alice"), frames.changes(21, user="bob"))
    await line.send(frames.changes(22, user="bob"), frames.changes(7, user="alice"))
    await trial.shows(7, user="alice")
    await trial.shows(22, user="bob")


async def a_new_line_watches_everybody_again(trial: Trial) -> None:
    """After a cut every watched user is asked for, each from their own position."""
    line = await _watching(trial, alice=5, bob=20)
    await line.send(frames.changes(21, user="bob"))
    await trial.shows(21, user="bob")
    line.cut()
    line = await trial.server.line()
    await line.send(frames.welcome(role="service"))
    positions = await _positions(line, 2)
    expect(positions, {"alice": "e1.5", "bob": "e1.21"}, "the positions that were asked for")


async def another_era_of_one_user_is_no_other_users(trial: Trial) -> None:
    """A state of one user leaves the others alone."""
    line = await _watching(trial, alice=5, bob=20)
    await line.send(frames.state(2, "e9", "restored", user="alice"))
    await line.send(frames.caught_up(2, user="alice"), frames.changes(21, user="bob"))
    await trial.shows(2, "e9", user="alice")
    await trial.shows(21, user="bob")


async def an_unwatched_user_is_not_asked_for_again(trial: Trial) -> None:
    """`unwatch` is sent, and the next line does not watch that user."""
    line = await _watching(trial, alice=5, bob=20)
    await trial.client.tell("unwatch", user_id="bob")
    gone = (await line.take_of("unwatch"))["users"]
    expect([user["user_id"] for user in gone], ["bob"], "who is unwatched")
    line.cut()
    line = await trial.server.line()
    await line.send(frames.welcome(role="service"))
    expect(await _positions(line, 1), {"alice": "e1.5"}, "who is watched again")
    await line.nothing_comes(0.3)


async def commands_name_their_user(trial: Trial) -> None:
    """A command for a user who is not watched is sent, and its brief reply answers it."""
    line = await trial.connect("service")
    await line.send(frames.welcome(role="service"))
    key = await trial.send("acknowledge_level_ups", user="carol", quest_id="")
    command = await line.take_of("acknowledge_level_ups")
    expect(command["user_id"], "carol", "the user of the command")
    brief = {member: command[member] for member in ("command_id", "user_id")}
    await line.send({"type": "reply", **brief, "version": 9, "replayed": False})
    await trial.replied(key, 9)


async def a_command_sent_before_the_line_is_open_is_sent_once(trial: Trial) -> None:
    """What is sent while the client still connects leaves on the new line, and only once."""
    trial.server.let_in.clear()
    await trial.client.tell("connect", url=trial.server.url, token=token("service"))
    await trial.server.knocked.wait()
    key = await trial.send(user="carol")
    await trial.synchronized()
    trial.server.let_in.set()
    line = await trial.server.line()
    await line.send(frames.welcome(role="service"))
    command = await line.take_of("turn_in_quest")
    await line.nothing_comes(0.4)
    await line.send(frames.reply(command, 9))
    await trial.replied(key, 9)


async def a_gap_of_one_user_is_resumed(trial: Trial) -> None:
    """A version missing for one user: resumed from the positions of all."""
    line = await _watching(trial, alice=5, bob=20)
    await line.send(frames.changes(23, user="bob"))
    line = await trial.server.line()
    await line.send(frames.welcome(role="service"))
    positions = await _positions(line, 2)
    expect(positions, {"alice": "e1.5", "bob": "e1.20"}, "the positions that were asked for")


async def unanswered_commands_of_many_users_are_sent_again(trial: Trial) -> None:
    """After a cut every user's commands come again, in their order."""
    line = await trial.connect("service")
    await line.send(frames.welcome(role="service"))
    users = ["alice", "bob", "alice", "carol", "bob"]
    for user in users:
        await trial.send(user=user)
    first = [await line.take_of("turn_in_quest") for _ in users]
    line.cut()
    line = await trial.server.line()
    await line.send(frames.welcome(role="service"))
    again = [await line.take_of("turn_in_quest") for _ in users]
    for user in set(users):
        expect(_of(again, user), _of(first, user), f"the repeated commands of {user}")


async def _watching(trial: Trial, **versions: int) -> Line:
    line = await trial.connect("service")
    await line.send(frames.welcome(role="service"))
    for user, version in versions.items():
        await trial.client.tell("watch", user_id=user)
        expect(await _positions(line, 1), {user: None}, "who is watched")
        await line.send(frames.state(version, user=user), frames.caught_up(version, user))
        await trial.shows(version, user=user)
    return line


async def _positions(line: Line, count: int) -> dict[str, str | None]:
    """The users of the next `watch` frames, and the position each is asked for from."""
    positions: dict[str, str | None] = {}
    while len(positions) < count:
        for user in (await line.take_of("watch"))["users"]:
            positions[user["user_id"]] = user.get("after")
    return positions


def _of(commands: list[frames.Frame], user: str) -> list[frames.Frame]:
    return [command for command in commands if command["user_id"] == user]


CASES = (
    nothing_is_watched_until_asked,
    each_user_has_a_line_of_versions_of_their_own,
    a_new_line_watches_everybody_again,
    another_era_of_one_user_is_no_other_users,
    an_unwatched_user_is_not_asked_for_again,
    commands_name_their_user,
    a_command_sent_before_the_line_is_open_is_sent_once,
    a_gap_of_one_user_is_resumed,
    unanswered_commands_of_many_users_are_sent_again,
)
