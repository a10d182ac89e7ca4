"""The Python client keeps the live protocol, and the kit finds clients that do not."""

import asyncio
import shlex
import sys

import pytest

from cli.conformance import opening_cases, order_cases, outbox_cases
from cli.conformance.client_under_test import started_by
from cli.conformance.run import CASES, name_of, run
from tests.clients.broken_client_child import FAULTS

PYTHON_CLIENT = f"{shlex.quote(sys.executable)} -m questkeep_client.conformance"
CASE_OF = {name_of(case): case for case in CASES}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_the_python_client_keeps_order_and_takes_effect_once() -> None:
    outcomes = await run(started_by(PYTHON_CLIENT), [*order_cases.CASES, *outbox_cases.CASES])
    assert [f"{one.name}: {one.failure}" for one in outcomes if one.failure] == []


@pytest.mark.campaign
async def test_the_python_client_keeps_every_case() -> None:
    outcomes = await run(started_by(PYTHON_CLIENT))
    assert [f"{one.name}: {one.failure}" for one in outcomes if one.failure] == []
    assert len(outcomes) == len(CASE_OF) >= 60


async def test_the_python_client_speaks_json_too() -> None:
    outcomes = await run(started_by(f"{PYTHON_CLIENT} json"), opening_cases.CASES)
    assert [f"{one.name}: {one.failure}" for one in outcomes if one.failure] == []


async def test_the_kit_finds_every_broken_client() -> None:
    room = asyncio.Semaphore(20)  # most of them wait for what a broken client never does

    async def play(name: str, case: str) -> str | None:
        command = f"{shlex.quote(sys.executable)} -m tests.clients.broken_client_child {name}"
        async with room:
            [outcome] = await run(started_by(command), [CASE_OF[case]])
        return outcome.failure

    failures = await asyncio.gather(*(play(fault.__name__, case) for fault, case in FAULTS.items()))
    found = dict(zip((fault.__name__ for fault in FAULTS), failures, strict=True))
    assert [name for name, failure in found.items() if failure is None] == []
    # A client that breaks down would be found by anything.
    assert [name for name, failure in found.items() if "client ended" in (failure or "")] == []


def test_every_case_has_a_name_of_its_own_and_says_what_it_asks() -> None:
    assert len(CASE_OF) == len(CASES)
    assert all((case.__doc__ or "").strip() for case in CASES)
