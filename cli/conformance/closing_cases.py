"""Cases: what a client does after each way a connection can end, and how it renews its token."""

from collections.abc import Awaitable, Callable

from cli.conformance import frames
from cli.conformance.trial import Trial, expect, token

AT_ONCE_SECONDS = 1.0
STAYS_AWAY_SECONDS = 1.5
WAITS_MS = 700
RESUMES = (4408, 4413)
RETURNS = (1001, 4500)
WAITS = (4429, 4503)
STOPS = (1002, 1003, 1007, 1009, 4400, 4403, 4409)


def _resumes_at_once(code: int) -> Callable[[Trial], Awaitable[None]]:
    async def case(trial: Trial) -> None:
        line = await trial.live(5)
        await line.close(code)
        line = await trial.server.line(AT_ONCE_SECONDS)
        expect(line.query.get("after"), "e1.5", "the position `after`")

    return _named(case, f"after_{code}_it_resumes_at_once", f"Close {code}: resumes at once.")


def _returns(code: int) -> Callable[[Trial], Awaitable[None]]:
    async def case(trial: Trial) -> None:
        line = await trial.live(5)
        await line.close(code, "request-1")
        line = await trial.server.line()
        expect(line.query.get("after"), "e1.5", "the position `after`")

    return _named(case, f"after_{code}_it_comes_back", f"Close {code}: reconnects and resumes.")


def _waits(code: int) -> Callable[[Trial], Awaitable[None]]:
    async def case(trial: Trial) -> None:
        line = await trial.live(5)
        await line.close(code, f"retry_after_ms={WAITS_MS}")
        await trial.server.no_line(WAITS_MS / 1000 * 0.8)
        await trial.server.line()

    sentence = f"Close {code}: waits `retry_after_ms` and resumes."
    return _named(case, f"after_{code}_it_waits_as_told", sentence)


def _stops(code: int) -> Callable[[Trial], Awaitable[None]]:
    async def case(trial: Trial) -> None:
        line = await trial.live(5)
        await line.close(code)
        await trial.becomes("closed")
        await trial.server.no_line(STAYS_AWAY_SECONDS)

    return _named(case, f"after_{code}_it_stays_away", f"Close {code}: stops, and says so.")


async def a_moving_server_is_given_its_time(trial: Trial) -> None:
    """After `moving` and 1001 the client comes back after the number it was given."""
    line = await trial.live(5)
    await line.send({"type": "moving", "reconnect_in_ms": WAITS_MS})
    await line.close(1001)
    await trial.server.no_line(WAITS_MS / 1000 * 0.8)
    line = await trial.server.line()
    expect(line.query.get("after"), "e1.5", "the position `after`")


async def a_close_in_the_middle_of_a_state_asks_for_it_again(trial: Trial) -> None:
    """4413 before the state was whole: the next connection asks for everything."""
    line = await trial.connect()
    await line.send(frames.welcome())
    await line.close(4413)
    line = await trial.server.line()
    expect("after" in line.query, False, "whether `after` is named")
    await line.send(frames.welcome(), frames.state(5), frames.caught_up(5))
    await trial.shows(5)


async def an_expiring_token_is_renewed_in_place(trial: Trial) -> None:
    """`token_expiring` is answered with a `token` frame; the connection stays."""
    line = await trial.live(5)
    await trial.give(token(number=2))
    await line.send({"type": "token_expiring", "token_expires_at": frames.AT})
    expect((await line.take_of("token"))["token"], token(number=2), "the new token")
    await line.send({"type": "token_accepted", "token_expires_at": frames.AT}, frames.changes(6))
    await trial.shows(6)
    await trial.server.no_line(0.5)


async def a_refused_token_is_replaced(trial: Trial) -> None:
    """4401: the client gets another token, connects with it, and resumes."""
    line = await trial.live(5)
    await trial.give(token(number=2))
    await line.close(4401)
    line = await trial.again("e1.5")
    expect(line.token, token(number=2), "the token of the next connection")


async def without_another_token_it_stays_away(trial: Trial) -> None:
    """4401 and no other token: the client stops."""
    line = await trial.live(5)
    await line.close(4401)
    await trial.becomes("closed")
    await trial.server.no_line(STAYS_AWAY_SECONDS)


async def a_401_before_the_upgrade_is_a_refused_token(trial: Trial) -> None:
    """A refused upgrade with 401: another token is asked for."""
    fresh = token(number=2)
    line = await trial.live(5)
    await trial.give(fresh)
    trial.server.refuse = lambda came: (
        None if came == fresh else (401, {"code": "unauthenticated", "retry": "same"})
    )
    line.cut()
    line = await trial.again("e1.5")
    expect(line.token, fresh, "the token of the next connection")


async def a_503_before_the_upgrade_is_tried_again(trial: Trial) -> None:
    """A server that is full is tried again, and resumed."""
    line = await trial.live(5)
    trial.server.refuse = lambda came: (
        (503, {"code": "overloaded", "retry": "same"}) if trial.server.refused < 2 else None
    )
    line.cut()
    line = await trial.server.line(8)
    expect(line.query.get("after"), "e1.5", "the position `after`")


async def a_403_before_the_upgrade_stops_it(trial: Trial) -> None:
    """Not your user: the client stops, and says so."""
    line = await trial.live(5)
    trial.server.refuse = lambda came: (403, {"code": "not_your_user", "retry": "never"})
    line.cut()
    await trial.becomes("closed")


def _named(
    case: Callable[[Trial], Awaitable[None]], name: str, sentence: str
) -> Callable[[Trial], Awaitable[None]]:
    case.__name__, case.__doc__ = name, sentence
    return case


CASES = (
    *map(_resumes_at_once, RESUMES),
    *map(_returns, RETURNS),
    *map(_waits, WAITS),
    *map(_stops, STOPS),
    a_moving_server_is_given_its_time,
    a_close_in_the_middle_of_a_state_asks_for_it_again,
    an_expiring_token_is_renewed_in_place,
    a_refused_token_is_replaced,
    without_another_token_it_stays_away,
    a_401_before_the_upgrade_is_a_refused_token,
    a_503_before_the_upgrade_is_tried_again,
    a_403_before_the_upgrade_stops_it,
)
