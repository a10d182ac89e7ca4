"""A command from an outbox takes effect once, or is refused, whoever is killed meanwhile."""

from pathlib import Path

import pytest

from tests.outages.deployment_kit import Deployment
from tests.outages.outbox_kit import Outcome, outboxes_outlast_outages

pytestmark = [pytest.mark.ray, pytest.mark.kills]


def check(outcome: Outcome, commands: int) -> None:
    assert outcome.doubled == outcome.lost == []
    assert set(outcome.ends) == {"reply", "receipt_gone"}, outcome.ends
    assert outcome.ends.total() == commands


@pytest.mark.timeout(200)
async def test_commands_of_an_outbox_take_effect_once(
    deployment: Deployment, tmp_path: Path
) -> None:
    users = ["once"]
    outcome = await outboxes_outlast_outages(
        deployment, tmp_path, users, commands=1_000, deaths=2, kills=1
    )
    check(outcome, 1_000)


@pytest.mark.timeout(200)
async def test_without_since_some_take_effect_twice(deployment: Deployment, tmp_path: Path) -> None:
    users = ["twice"]
    outcome = await outboxes_outlast_outages(
        deployment, tmp_path, users, commands=1_000, deaths=2, since=False
    )
    assert outcome.doubled


@pytest.mark.campaign
@pytest.mark.timeout(3_000)
async def test_a_hundred_thousand_commands_take_effect_once(
    deployment: Deployment, tmp_path: Path
) -> None:
    users = [f"outbox-{number}" for number in range(4)]
    outcome = await outboxes_outlast_outages(
        deployment, tmp_path, users, commands=25_000, deaths=10, kills=20
    )
    print(dict(outcome.ends))
    check(outcome, 100_000)
