"""The campaigns catch the mistakes they are there for: hosts broken in one way each (R22)."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.crash import scenarios_kit as scenarios
from tests.torture.config import CampaignConfig
from tests.torture.disk_faults import disk_faults
from tests.torture.failover import held_appends, pauses
from tests.torture.kills import kills_at_steps, random_kills
from tests.torture.mutants import MUTANTS, apply
from tests.torture.outcome import Outcome

Campaign = Callable[[CampaignConfig, str], Awaitable[Outcome]]


async def _killed_at_random(config: CampaignConfig, mutant: str) -> Outcome:
    return await random_kills(config, 12, mutant)


async def _killed_while_folding(config: CampaignConfig, mutant: str) -> Outcome:
    return await kills_at_steps(config, ["recovery.user_folded"], 4, mutant)


async def _held(config: CampaignConfig, mutant: str) -> Outcome:
    return await held_appends(config, 4, mutant, ["journal.before_append"])


async def _paused(config: CampaignConfig, mutant: str) -> Outcome:
    return await pauses(config, 6, mutant, ["journal.before_append"])


async def _disk_faults(config: CampaignConfig, mutant: str) -> Outcome:
    return await disk_faults(config, 2, mutant)


CAUGHT_UNDER_LOAD: dict[str, Campaign] = {
    "replies_early": _held,
    "snapshots_without_receipts": _killed_at_random,
    "records_without_receipts": _killed_at_random,
    "forgets_what_is_on_its_way": _killed_at_random,
    "shows_what_is_not_durable": _held,
    "appends_again_after_a_failure": _disk_faults,
    "keeps_users_after_a_failed_append": _disk_faults,
    "opens_without_folding": _killed_at_random,
    "folds_without_a_fence": _paused,
    "drops_journals_before_it_folds": _killed_while_folding,
    "forgets_a_batch": _killed_at_random,
}

CAUGHT_IN_ORDER: dict[str, Callable[[], Awaitable[None]]] = {
    "serves_users_read_before_it_opened": (
        scenarios.a_user_read_long_ago_is_read_anew_before_they_are_changed
    ),
    "snapshots_what_is_not_durable": (
        scenarios.a_stale_host_s_late_snapshot_costs_its_successor_nothing
    ),
    "forgets_for_what_is_on_its_way": (
        scenarios.a_crash_with_turns_on_their_way_costs_no_receipt_of_earlier_ones
    ),
    "believes_in_failed_snapshots": scenarios.a_checkpoint_whose_snapshot_fails_keeps_the_journal,
    "hibernates_with_a_turn_on_its_way": scenarios.a_user_with_a_turn_on_its_way_stays_awake,
    "evicts_unsaved_users": scenarios.a_hibernated_user_whose_snapshot_fails_stays,
    "checkpoints_without_hibernated_users": scenarios.a_checkpoint_covers_those_who_sleep,
    "cuts_the_journal_at_its_end": scenarios.a_checkpoint_cuts_off_only_what_snapshots_hold,
    "forgets_what_came_during_a_snapshot": (
        scenarios.a_turn_that_becomes_durable_while_its_user_is_written_is_covered_by_the_next
    ),
    "wakes_users_from_before_it_opened": (
        scenarios.a_user_who_slept_while_the_host_opened_is_read_anew
    ),
}


@pytest.mark.kills
@pytest.mark.parametrize("mutant", CAUGHT_UNDER_LOAD)
async def test_a_broken_host_is_caught_under_load(mutant: str, tmp_path: Path) -> None:
    config = CampaignConfig(7, tmp_path, clients=20, patience_seconds=4)
    try:
        outcome = await CAUGHT_UNDER_LOAD[mutant](config, mutant)
    except AssertionError:
        return
    assert outcome.lost + outcome.doubled > 0, f"{mutant} was not caught with seed 7: {outcome}"


@pytest.mark.parametrize("mutant", CAUGHT_IN_ORDER)
async def test_a_broken_host_is_caught_when_events_are_in_order(
    mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(mutant, monkeypatch)
    with pytest.raises(AssertionError):
        await CAUGHT_IN_ORDER[mutant]()


def test_every_mutant_is_caught_by_something() -> None:
    assert {*CAUGHT_UNDER_LOAD, *CAUGHT_IN_ORDER} == set(MUTANTS)


def test_the_table_of_mutants_names_every_one() -> None:
    table = (Path(__file__).parents[2] / "docs" / "mutants.md").read_text(encoding="utf-8")
    assert [name for name in MUTANTS if f"`{name}`" not in table] == []
