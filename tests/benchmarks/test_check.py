"""The probe before the load finds every peer that breaks a rule; the count after it, every loss."""

import dataclasses
from typing import Any

import pytest

from benchmarks.comparison import check
from benchmarks.comparison.check import Wrong
from benchmarks.users.dataset import Dataset, make_dataset
from tests.benchmarks.peer_kit import FAULTS, FakePeer, serving


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset(FakePeer.users, 10)


@pytest.mark.parametrize("batches", [False, True])
def test_a_peer_that_keeps_the_rules_passes(batches: bool, dataset: Dataset) -> None:
    with serving(peer := FakePeer(), dataset) as url:
        probed = check.probe(url, dataset, batches)
        check.judge(dataset, peer.stored(), probed, answered=0, sent=0)
        assert probed == sum(len(quests) for quests in peer.turned_in.values())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_peer_that_breaks_a_rule_is_found(fault: str, dataset: Dataset) -> None:
    with serving(FakePeer(fault), dataset) as url, pytest.raises(Wrong):
        check.probe(url, dataset, batches=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("total_xp", 0), ("ledger_xp", 240), ("receipts", 2), ("level", 9), ("turned_in", 2)],
)
def test_rows_that_disagree_are_found(field: str, value: int, dataset: Dataset) -> None:
    with serving(peer := FakePeer(), dataset) as url:
        probed = check.probe(url, dataset, batches=False)
        first, *others = peer.stored()
    changed: dict[str, Any] = {field: value}
    wrong = [dataclasses.replace(first, **changed), *others]
    with pytest.raises(Wrong, match=r"rows disagree|should be at level"):
        check.judge(dataset, wrong, probed, answered=0, sent=0)


@pytest.mark.parametrize(("answered", "sent"), [(1, 1), (0, -1)], ids=["lost", "made up"])
def test_turn_ins_that_nobody_or_only_the_peer_saw_are_found(
    answered: int, sent: int, dataset: Dataset
) -> None:
    with serving(peer := FakePeer(), dataset) as url:
        probed = check.probe(url, dataset, batches=False)
        stored = peer.stored()
    with pytest.raises(Wrong, match="are stored"):
        check.judge(dataset, stored, probed, answered, sent)
