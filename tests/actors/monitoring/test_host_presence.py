"""Hosts that answer, fold or are away: their state, since when, and why."""

from actors.monitoring.cluster_status import HostState, HostStatus, Presence
from actors.monitoring.host_presence import HostPresence
from actors.transport.addresses import Node, RunningHost


def test_a_host_is_open_then_away_then_folding_then_open_each_since_it_began() -> None:
    now = 0.0
    presence = HostPresence(lambda: now)
    now = 5.0
    assert presence.seen("users:1") == Presence(HostState.OPEN, 5.0)
    presence.silent("users:1", "it does not answer")
    now = 9.0
    presence.silent("users:1", "the store is away")
    assert presence.seen("users:1") == Presence(HostState.AWAY, 4.0, "the store is away")
    presence.silent("users:1", "it is folding its journal", folding=True)
    now = 11.0
    assert presence.seen("users:1").state is HostState.FOLDING
    assert presence.seen("users:1").seconds == 2.0
    assert presence.away == ("users:1",)
    presence.answered("users:1", 40, 0.5)
    now = 12.0
    assert presence.seen("users:1") == Presence(HostState.OPEN, 1.0)
    assert presence.away == ()


def test_a_host_is_shown_with_its_process_if_it_was_ever_found() -> None:
    seen = Presence(HostState.OPEN, 3.0)
    running = RunningHost(Node("n", "10.0.0.2"), 77, "0123456789abcdef", "build-1")
    shown = HostStatus.of("users:0", seen, running, users_active=2)
    assert (shown.node, shown.process_id, shown.build) == ("10.0.0.2", 77, "build-1")
    assert shown.incarnation == "0123456789ab"
    assert HostStatus.of("users:0", seen, None).node == ""
