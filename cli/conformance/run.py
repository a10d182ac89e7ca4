"""Plays the cases against a client, some beside each other, and says how each went."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cli.conformance import (
    closing_cases,
    many_users_cases,
    opening_cases,
    order_cases,
    outbox_cases,
    resume_cases,
)
from cli.conformance.client_under_test import Failed, Start
from cli.conformance.scripted_server import ScriptedServer
from cli.conformance.trial import Case, Trial

CASES: tuple[Case, ...] = (
    *opening_cases.CASES,
    *order_cases.CASES,
    *resume_cases.CASES,
    *outbox_cases.CASES,
    *closing_cases.CASES,
    *many_users_cases.CASES,
)
BESIDE_EACH_OTHER = 8
CASE_SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Outcome:
    """How one case went; `failure` says what was expected and what came, None: it held."""

    name: str
    sentence: str
    failure: str | None


async def run(
    start: Start, cases: Sequence[Case] = CASES, told: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Play `cases`, each against a client started anew; `told` hears of each as it ends.

    Raises: whatever `start` raises.
    """
    room = asyncio.Semaphore(BESIDE_EACH_OTHER)

    async def play(case: Case) -> Outcome:
        async with room:
            outcome = await _play(start, case)
        told(outcome)
        return outcome

    return await asyncio.gather(*map(play, cases))


def name_of(case: Case) -> str:
    return case.__name__


async def _play(start: Start, case: Case) -> Outcome:
    failure = None
    client = await start()
    try:
        async with ScriptedServer() as server, asyncio.timeout(CASE_SECONDS_MAX):
            await case(Trial(client, server))
    except Failed as failed:
        failure = str(failed)
    except TimeoutError:
        failure = f"it did not end within {CASE_SECONDS_MAX:g} s"
    finally:
        await client.stop()
    return Outcome(name_of(case), (case.__doc__ or "").strip(), failure)
