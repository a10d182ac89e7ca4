"""Watchers lose no version, see none twice, and begin anew never, whichever process is killed."""

import pytest

from tests.outages.deployment_kit import Deployment
from tests.outages.watchers_kit import watchers_outlast_outages

pytestmark = [pytest.mark.ray, pytest.mark.kills]


@pytest.mark.timeout(200)
async def test_watchers_outlast_gateways_hosts_and_lines(deployment: Deployment) -> None:
    outcome = await watchers_outlast_outages(deployment, "few", changes=500, kills=1, seed=1)
    assert outcome.cuts > 5


@pytest.mark.campaign
@pytest.mark.timeout(3_000)
async def test_watchers_outlast_twenty_deaths_of_each(deployment: Deployment) -> None:
    outcome = await watchers_outlast_outages(deployment, "many", changes=10_000, kills=20, seed=2)
    print(f"{outcome.cuts} lines were cut; resumes: {dict(outcome.resumes)}")
    assert outcome.resumes["changes"] > 500
