"""Hosts under load die, are paused, held and starved: nothing acknowledged is lost or doubled.

The long versions are `make torture`.
"""

from pathlib import Path

import pytest

from tests.torture.claims import claim_races
from tests.torture.config import CampaignConfig
from tests.torture.disk_faults import DISK_FAULTS, disk_faults
from tests.torture.failover import HELD_AT, PAUSED_AT, held_appends, pauses
from tests.torture.kills import kills_at_steps, random_kills, steps_of
from tests.torture.outcome import Outcome
from tests.torture.over_s3 import s3_config
from tests.torture.recovery_speed import many_users, recovery_speed

pytestmark = pytest.mark.kills

SEED = 20_261


@pytest.fixture
def config(tmp_path: Path) -> CampaignConfig:
    return CampaignConfig(SEED, tmp_path)


def judge(outcome: Outcome) -> None:
    assert outcome.passed, f"seed {SEED}: {outcome}"
    assert outcome.done >= outcome.wanted, f"seed {SEED}: {outcome}"


async def test_kills_at_random_points_lose_and_double_nothing(config: CampaignConfig) -> None:
    judge(await random_kills(config, 25))


async def test_kills_at_every_named_step_lose_and_double_nothing(config: CampaignConfig) -> None:
    judge(await kills_at_steps(config, steps_of("file"), 1))


async def test_a_paused_host_that_wakes_up_stale_acknowledges_nothing(
    config: CampaignConfig,
) -> None:
    judge(await pauses(config, len(PAUSED_AT)))


async def test_nobody_is_answered_while_an_append_is_held(config: CampaignConfig) -> None:
    judge(await held_appends(config, len(HELD_AT)))


async def test_a_disk_that_refuses_costs_nothing_and_service_resumes(
    config: CampaignConfig,
) -> None:
    outcome = await disk_faults(config, 1)
    judge(outcome)
    assert outcome.done == len(DISK_FAULTS)


async def test_kills_on_object_storage_with_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    with s3_config(SEED, tmp_path) as config:
        judge(await random_kills(config, 5))


def test_of_many_claimants_one_writes_each_version() -> None:
    for outcome in claim_races(SEED, 200):
        judge(outcome)


async def test_ten_thousand_turns_of_the_dead_are_all_folded() -> None:
    judge(await recovery_speed(10_000, 100))


async def test_a_store_opens_without_listing_its_users() -> None:
    judge(await many_users(3_000))
