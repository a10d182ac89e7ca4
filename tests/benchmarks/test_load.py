"""A run counts what clients saw; one refused command, or too few quests, and nothing counts."""

import math
import shutil

import pytest

from benchmarks.comparison import harness
from benchmarks.load.batch_clients import Form
from benchmarks.load.runs import Load
from benchmarks.load.traffic import Broken, OutOfQuests, Traffic
from benchmarks.setup.processes import BENCH
from benchmarks.users.dataset import PROBE_QUESTS, make_dataset, quest_id, user_id
from tests.benchmarks.peer_kit import FakePeer, serving

BATCHES = Traffic(2, batch=10)
BRIEF = Traffic(2, batch=5, form=Form("json", minimal=True))
SINGLES = Traffic(2)
PIPELINED = Traffic(2, pipeline=4)
with_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@pytest.fixture(autouse=True)
def _folder_of_runs() -> None:
    (BENCH / "run").mkdir(parents=True, exist_ok=True)


def test_batches_turn_in_every_quest_once() -> None:
    [[first], [second]] = harness.measure(
        FakePeer(), FakePeer.settings[0], [BATCHES, BRIEF], 1, 0.1, 0.3
    )
    assert first.rate > 0
    assert second.rate > 0
    assert 0 < first.p50_ms <= first.p99_ms


@pytest.mark.slow
@with_wrk
def test_players_and_services_take_turns_on_one_server() -> None:
    traffics = [SINGLES, BATCHES, PIPELINED]
    runs = harness.measure(FakePeer(), FakePeer.settings[0], traffics, 2, 0.2, 0.5)
    assert [len(each) for each in runs] == [2, 2, 2]
    assert all(run.rate > 0 for each in runs for run in each)
    assert math.isnan(runs[2][0].p99_ms)


def test_a_refused_command_voids_the_run() -> None:
    dataset = make_dataset(FakePeer.users, 1_000)
    with serving(peer := FakePeer(), dataset) as url:
        peer.turned_in[user_id(7)].add(quest_id(PROBE_QUESTS))
        with pytest.raises(Broken, match="quest_already_turned_in"):
            Load(url, dataset).run(BATCHES, 0.1, 0.1)


def test_too_few_quests_are_no_refusal() -> None:
    dataset = make_dataset(FakePeer.users, 1)
    with serving(FakePeer(), dataset) as url, pytest.raises(OutOfQuests):
        Load(url, dataset).run(BATCHES, 0.5, 0.1)


def test_a_run_that_lacked_quests_is_repeated_with_more() -> None:
    peer = FakePeer()
    peer.batch_rate = 1
    [[run]] = harness.measure(peer, peer.settings[0], [BATCHES], 1, 0.1, 0.5)
    assert run.rate > 0
    assert peer.dataset.quests > harness.SEEDED_MIN
