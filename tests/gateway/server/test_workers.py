"""Several gateway processes on one port: whichever answers, it is one server."""

import os
import signal
from functools import partial
from pathlib import Path

import jwt
import psutil
import pytest

from tests.gateway.auth.jwks_kit import RSA, document, jwk
from tests.gateway.gateway_kit import RULES_TEXT, claims
from tests.gateway.server.local_server_kit import LocalServer, refusal
from tests.gateway.server.rules_kit import BROKEN_TEXT, NEW, OLD, OTHER_TEXT, WRONG_TEXT
from tests.gateway.server.workers_kit import (
    ALICE,
    GRANT,
    OPERATOR,
    PLAYER,
    SERVICE,
    Connection,
    StartSeveral,
    answers_at_once,
    counters,
    gateways,
    grant,
    token,
    total_xp,
    worker_pids,
)
from tests.processes_kit import gone, until

pytestmark = pytest.mark.slow

RELOAD = "/v1/operations/rules/reload"
REQUESTS = [
    ("GET", "/healthz", None, None),
    ("GET", "/readyz", None, None),
    ("GET", "/openapi.json", None, None),
    ("GET", "/docs", None, None),
    ("GET", "/play", None, None),
    ("GET", "/v1/rules", None, SERVICE),
    ("GET", "/v1/users/alice", None, PLAYER),
    ("GET", "/v1/users/me", None, PLAYER),
    ("GET", "/v1/users/bob", None, PLAYER),
    ("GET", "/v1/users/alice", None, None),
    ("GET", "/v1/users/alice", None, token(secret="x" * 48)),
    ("GET", "/nowhere", None, SERVICE),
    ("DELETE", "/v1/users/alice", None, SERVICE),
    ("POST", ALICE, b"{", SERVICE),
    ("POST", ALICE, {**GRANT, "command_id": "c", "amount": -1}, SERVICE),
    ("POST", ALICE, {**GRANT, "command_id": "c"}, PLAYER),
    ("POST", ALICE, b" " * 2_000, SERVICE),
    ("POST", RELOAD, None, SERVICE),
]


def test_every_gateway_gives_the_same_answers(start_several: StartSeveral) -> None:
    several = start_several(body_bytes_max="1024")
    each = several.reach_each()
    grant(each[several.primary], "first")
    for request in REQUESTS:
        answers = {pid: connection.request(*request) for pid, connection in each.items()}
        expected = answers.pop(several.primary)
        assert len(answers) == 2
        for answer in answers.values():
            assert answer.status == expected.status, request
            assert answer.content == expected.content, request
            without_date = [
                {name: value for name, value in one.headers.items() if name != "date"}
                for one in (answer, expected)
            ]
            assert without_date[0] == without_date[1], request
    statuses = {each[several.primary].request(*request).status for request in REQUESTS}
    assert statuses >= {200, 400, 401, 403, 404, 405, 413, 422}


def test_the_development_secret_counts_at_every_gateway(start_several: StartSeveral) -> None:
    several = start_several(keys=True)
    for connection in several.reach_each().values():
        assert connection.get("/v1/users/alice", several.token).status == 200
        assert connection.get("/v1/users/alice", SERVICE).status == 401
        assert connection.get("/play").status == 200


def test_public_keys_count_at_every_gateway(start_several: StartSeveral, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(document(jwk(RSA, "one")))
    several = start_several(keys=True, jwks="keys.json")
    signed = jwt.encode(claims("game", "service"), RSA, algorithm="RS256")
    for connection in several.reach_each().values():
        assert connection.get("/v1/users/alice", signed).status == 200
        assert connection.get("/v1/users/alice", SERVICE).status == 401


def test_what_one_gateway_did_every_other_sees_and_recognises(start_several: StartSeveral) -> None:
    each = list(start_several().reach_each().values())
    for number, connection in enumerate(each):
        assert grant(connection, f"c{number}").json["version"] == number + 1
        for other in each:
            assert total_xp(other, "alice") == number + 1
            again = grant(other, f"c{number}").json
            assert (again["version"], again["replayed"]) == (number + 1, True)


def shown(each: dict[int, Connection]) -> set[str]:
    answers = [connection.get("/v1/rules", SERVICE) for connection in each.values()]
    return {answer.json["fingerprint"] for answer in answers}


def test_a_reload_through_any_gateway_changes_all_of_them_or_none(
    start_several: StartSeveral, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES_TEXT)
    several = start_several(rules="rules.toml")
    each = several.reach_each()
    texts = [(OTHER_TEXT, OLD, NEW), (RULES_TEXT, NEW, OLD), (OTHER_TEXT, OLD, NEW)]
    for (pid, connection), (text, before, after) in zip(each.items(), texts, strict=True):
        rules.write_text(WRONG_TEXT)
        refused = connection.request("POST", RELOAD, token=OPERATOR)
        assert (refused.status, refused.json["code"]) == (422, "invalid_rules")
        assert refused.json["detail"] == "Nothing changed: 2 problems in the rules file"
        assert len(refused.json["problems"]) == 2
        assert shown(each) == {before}
        rules.write_text(text)
        answer = connection.request("POST", RELOAD, token=OPERATOR)
        assert answer.status == 200, pid
        assert (answer.json["fingerprint_before"], answer.json["fingerprint"]) == (before, after)
        assert shown(each) == {after}
        history = grant(connection, f"by-{pid}", user=f"u{pid}").json["changes"]["history"]
        assert history[0]["rules"] == after


def test_a_hangup_of_the_primary_reloads_everywhere_and_one_started_again_shows_the_new(
    start_several: StartSeveral, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES_TEXT)
    several = start_several(rules="rules.toml")
    each = several.reach_each()

    def log_until(word: str) -> str:
        assert several.server.child.stderr is not None
        return next(line for line in several.server.child.stderr if word in line)

    rules.write_text(BROKEN_TEXT)
    os.kill(several.primary, signal.SIGHUP)
    assert "not TOML" in log_until("the rules stay as they are")
    assert shown(each) == {OLD}
    rules.write_text(OTHER_TEXT)
    os.kill(several.primary, signal.SIGHUP)
    assert NEW in log_until("rules reloaded")
    assert shown(each) == {NEW}
    os.kill(several.workers[0], signal.SIGKILL)
    until(lambda: set(worker_pids(several.primary)) - set(several.workers))
    until(lambda: gateways(several) == 3)
    assert shown(several.reach_each()) == {NEW}


def test_one_that_does_not_take_new_rules_is_replaced_by_one_that_does(
    start_several: StartSeveral, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES_TEXT)
    several = start_several(2, rules="rules.toml")
    each = several.reach_each()
    [stuck] = several.workers
    os.kill(stuck, signal.SIGSTOP)
    rules.write_text(OTHER_TEXT)
    answer = each[several.primary].request("POST", RELOAD, token=OPERATOR)
    assert (answer.status, answer.json["fingerprint"]) == (200, NEW)
    until(lambda: gone([stuck]))
    until(lambda: gateways(several) == 2)
    assert shown(several.reach_each()) == {NEW}


OK_COMMANDS = ("questkeep_commands_total", "ok", "grant_player_progression_experience")


def test_metrics_are_of_all_gateways_whichever_answers(start_several: StartSeveral) -> None:
    several = start_several()
    each = several.reach_each()
    sent = 0
    for connection in each.values():
        for _ in range(5 + sent):
            assert grant(connection, f"c{sent}").status == 200
            sent += 1
    for connection in each.values():
        counted = counters(connection.get("/metrics"))
        assert counted[OK_COMMANDS] == sent
        route = "/v1/users/{user_id}/commands"
        requests = ("questkeep_http_requests_total", "", "POST", route, "200")
        assert counted[requests] == sent
        assert counted[("questkeep_http_request_seconds_count", route)] == sent
        assert counted[("questkeep_users_active",)] == 1
        assert counted[("questkeep_gateways",)] == 3
        for number in "123":
            assert counted[("questkeep_gateway_resident_bytes", number)] > 10_000_000


def test_what_a_dead_gateway_counted_goes_on_counting(start_several: StartSeveral) -> None:
    several = start_several(2)
    each = several.reach_each()
    [victim] = several.workers
    for number in range(7):
        grant(each[victim], f"c{number}")
    grant(each[several.primary], "c7")
    primary = each[several.primary]
    assert counters(primary.get("/metrics"))[OK_COMMANDS] == 8
    os.kill(victim, signal.SIGKILL)
    until(lambda: gone([victim]))
    until(lambda: gateways(several) == 2)
    assert counters(primary.get("/metrics"))[OK_COMMANDS] == 8
    grant(several.reach_each()[worker_pids(several.primary)[0]], "c8")
    assert counters(primary.get("/metrics"))[OK_COMMANDS] == 9


def test_requests_in_flight_max_is_shared_out_evenly(
    start_several: StartSeveral,
) -> None:
    several = start_several(2, requests_in_flight_max="4")
    each = several.reach_each()
    full: set[int] = set()
    begun = 0
    for pid in each:
        held = [several.reach_each()[pid] for _ in range(2)]
        for connection in held:
            assert each[pid].get("/v1/users/alice", SERVICE).status == 200
            connection.begin("POST", ALICE, b"{}", SERVICE)
            begun += 1
            until(partial(answers_at_once, each[pid], begun))
        full.add(pid)
        for other, connection in each.items():
            answer = connection.get("/v1/users/alice", SERVICE)
            assert answer.status == (503 if other in full else 200)
    assert answer.json["code"] == "overloaded"


def test_the_ready_block_says_how_many_there_are(start_several: StartSeveral) -> None:
    several = start_several(2)
    assert "  gateways   2 processes answer on this port" in several.server.printed


def test_several_gateways_with_dedicated_placement_are_one_sentence_and_exit_2(
    tmp_path: Path,
) -> None:
    told = refusal(LocalServer(tmp_path, {"gateways": "2", "placement": "dedicated"}))
    assert told == ("gateways is 2 with placement dedicated, expected 1, or placement packed.\n")


def test_a_gateway_brings_neither_ray_nor_the_stores_lock(start_several: StartSeveral) -> None:
    several = start_several(2)
    [worker] = several.workers
    files = {one.path for one in psutil.Process(worker).open_files()}
    assert not any(path.endswith("/lock") for path in files)
    mapped = {one.path for one in psutil.Process(worker).memory_maps()}
    assert mapped
    assert not any("/site-packages/ray/" in path for path in mapped)
