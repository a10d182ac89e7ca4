"""Every peer that is installed starts, keeps the rules, and does what was sent exactly once."""

import pytest

from benchmarks.comparison import harness
from benchmarks.load.batch_clients import Form
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Peer
from benchmarks.peers.postgres.peer import Postgres
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.peers.redis.peer import Redis
from benchmarks.peers.workerd.peer import Workerd
from benchmarks.setup import provision
from benchmarks.setup.provision import Unavailable

USERS = 20
BATCHES = [Traffic(4, batch=10), Traffic(2, batch=4, form=Form("json", minimal=True))]


def measure(peer: Peer, traffics: list[Traffic]) -> None:
    """A short run, probed and counted."""
    peer.users, peer.rate, peer.batch_rate = USERS, 5_000, 20_000
    runs = harness.measure(peer, peer.settings[0], traffics, 1, 0.1, 0.5)
    assert all(run.rate > 0 for [run] in runs)
    assert all(run.front_us > 0 for [run] in runs)


@pytest.fixture
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(argv: list[str]) -> None:
        raise Unavailable(f"a test installs nothing: {argv}")

    monkeypatch.setattr(provision, "_run", refuse)
    provision.python_packages.cache_clear()
    provision.workerd.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("_nothing_is_installed")
@pytest.mark.parametrize("kind", [Redis, Postgres, Workerd], ids=lambda kind: kind.name)
def test_a_peer_does_what_was_sent_exactly_once(kind: type[Redis | Postgres | Workerd]) -> None:
    peer = kind()
    try:
        peer.install()
        measure(peer, BATCHES)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.campaign
@pytest.mark.ray
@pytest.mark.timeout(300)
def test_questkeep_does_what_was_sent_exactly_once() -> None:
    brief = Traffic(2, batch=10, form=Form("msgpack", minimal=True))
    measure(Questkeep("packed", [1]), [*BATCHES, brief])
