"""The 3 a.m. table of docs/operations.md against lines that were provoked.

Each provocation brings about what the table says woke somebody; what is logged then has to be a row
of it, with the words that the row tells one to look for.  Lines that need Ray or processes are
asserted where those are tested (`ELSEWHERE`).
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.operations import cluster_kit, hosts_kit, server_kit
from tests.operations.page_kit import PAGE, ROOT, Patch, log_lines

Provoke = Callable[[Path, Patch], Awaitable[None]]

PROVOKED: list[tuple[Provoke, str, str]] = [
    (hosts_kit.the_disk_is_full, "journal lost", "No space left on device"),
    (hosts_kit.the_disk_breaks, "journal lost", "Input/output error"),
    (hosts_kit.the_store_is_removed, "journal lost", "is gone"),
    (hosts_kit.the_store_is_removed, "a host cannot open", ""),
    (hosts_kit.another_server_starts, "journal lost", "another incarnation"),
    (hosts_kit.another_server_starts, "another server has taken over", ""),
    (hosts_kit.a_snapshot_cannot_be_written, "snapshot failed", ""),
    (hosts_kit.a_user_cannot_be_read, "user not loaded", ""),
    (server_kit.the_rules_file_is_broken, "the rules stay as they are", ""),
    (server_kit.a_host_does_not_take_rules, "the rules could not be handed to every host", ""),
    (server_kit.a_bug, "a request failed", "request_id"),
    (server_kit.nobody_is_served, "users are not served", ""),
    (server_kit.readiness_is_broken, "readiness could not be checked", ""),
    (server_kit.a_host_crashes, "a host printed", ""),
    (hosts_kit.a_listener_is_broken, "a change was not handed on", ""),
    (hosts_kit.a_listener_is_broken, "a listener was not told that changes may be missing", ""),
    (hosts_kit.changes_are_out_of_reach, "changes could not be read", ""),
    (hosts_kit.a_journal_cannot_be_cut, "checkpoint failed", ""),
    (hosts_kit.a_journal_cannot_be_cut, "drain left the journal standing", ""),
    (hosts_kit.slots_cannot_move, "slots stay where they are", ""),
    (hosts_kit.slots_cannot_move, "the slot table cannot be read", ""),
    (hosts_kit.old_history_is_out_of_reach, "a history page could not be stored", ""),
    (hosts_kit.old_history_is_out_of_reach, "a history could not be read", ""),
    (
        server_kit.gateways_misunderstand_each_other,
        "a call of another gateway could not be answered",
        "",
    ),
    (server_kit.gateways_misunderstand_each_other, "an IPC frame is too long", ""),
    (server_kit.the_key_provider_is_away, "the key set could not be fetched", ""),
    (server_kit.a_stop_goes_wrong, "requests were still being answered", ""),
    (server_kit.a_stop_goes_wrong, "a step of the stop failed", ""),
    (server_kit.a_stop_goes_wrong, "not every user was snapshotted", ""),
    (server_kit.a_gateway_dies_and_cannot_be_started_at_once, "a gateway is started again", ""),
    (server_kit.a_gateway_dies_and_cannot_be_started_at_once, "a gateway cannot be started", ""),
    (cluster_kit.nonsense_is_sent_to_a_host, "a gateway sent no frame of ours", ""),
    (cluster_kit.nonsense_is_answered_for_a_host, "a host sent no frame of ours", ""),
    (cluster_kit.two_hosts_are_mixed_up, "a host is not the one that was meant", ""),
    (
        cluster_kit.somebody_without_the_secret_knocks,
        "an unauthenticated connection was refused",
        "why",
    ),
    (cluster_kit.nobody_asks_for_a_host, "a host goes: no gateway asks for it any more", ""),
    (cluster_kit.an_actor_dies_of_its_start, "an actor cannot start", ""),
    (
        cluster_kit.an_actor_is_gone_when_it_is_to_be_drained,
        "an actor was gone before it could be drained",
        "",
    ),
    (cluster_kit.a_host_does_not_answer_for_a_while, "a host is away", "reason"),
    (cluster_kit.a_host_does_not_answer_for_a_while, "a host is back", "seconds_away"),
    (cluster_kit.the_head_falls_silent_for_a_while, "the head is silent", "seconds_left"),
    (cluster_kit.the_head_falls_silent_for_a_while, "the head answers again", "seconds_silent"),
    (cluster_kit.nodes_drain_and_are_lost, "a node drains", "node"),
    (cluster_kit.nodes_drain_and_are_lost, "a node is lost", "nodes_left"),
    (server_kit.a_page_of_somebody_else_calls, "a page of another origin was refused", "origin"),
    (cluster_kit.a_cluster_lets_everybody_in, "the Ray cluster asks for no token", ""),
    (cluster_kit.ray_gives_up_its_first_start, "Ray did not start and is tried once more", ""),
]

ELSEWHERE = {
    "a host died": "actors/monitoring/test_host_watch.py",
    "a host could not be reached": "actors/transport/test_socket_channel.py",
    "a live connection failed": "gateway/live/test_close_codes.py",
    "a page of another origin was refused": "gateway/live/test_opening.py",
    "a tool of Ray's ended": "end_to_end/test_ray_deaths.py",
    "connections cannot be accepted": "gateway/http/test_listener.py",
    "hosts of a dead node may find no room": "actors/cluster/test_room.py",
    "idle connections closed to make room": "gateway/http/test_listener.py",
    "log lines were lost": "gateway/server/test_logs.py",
    "nobody can be served any more": "end_to_end/test_ray_deaths.py",
    "the stop took too long and was cut short": "gateway/server/test_stop.py",
}


def rows() -> list[str]:
    [table] = re.findall(r"^## At 3 a\.m\.\n(.*?)^### ", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [row for row in table.splitlines() if row.startswith("|")]


@pytest.mark.parametrize(("provoke", "line", "words"), PROVOKED)
async def test_what_wakes_somebody_is_a_row_with_the_words_that_were_logged(
    provoke: Provoke, line: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as events:
        await provoke(tmp_path, monkeypatch)
    logged = [event for event in events if event["event"].startswith(line)]
    assert logged, [event["event"] for event in events]
    assert any(words in repr(event) for event in logged), logged
    matching = [row for row in rows() if f"`{line}" in row]
    assert matching
    assert not words or any(words in row for row in matching)


def test_every_line_is_provoked() -> None:
    provoked = {line for _, line, _ in PROVOKED}
    lines = {line.partition(";")[0] for line in log_lines()}
    assert lines == provoked | set(ELSEWHERE)


@pytest.mark.parametrize(("line", "file"), ELSEWHERE.items())
def test_where_it_says_the_line_is_asserted(line: str, file: str) -> None:
    assert line in (ROOT / "tests" / file).read_text(encoding="utf-8")
