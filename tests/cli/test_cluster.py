"""`questkeep cluster status` and `user where`: one look at a server, readable at any width."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from cli.cluster.output import duration
from gateway.auth.development_secret import PLACE
from tests.cli.cli_kit import run_in

OPEN = {
    "name": "users:0",
    "state": "open",
    "seconds": 7_980.0,
    "reason": "",
    "node": "10.100.200.101",
    "process_id": 4_194_304,
    "incarnation": "0123456789ab",
    "build": "68e13441",
    "users_active": 12_345,
    "journals": [
        {"host": "users:0", "batches": 1_388, "fold_seconds": 1.44, "records_folded": 10_509}
    ],
}
AWAY = {**OPEN, "name": "users:1", "state": "away", "seconds": 12.0, "reason": "it does not answer"}
FOLDING = {**AWAY, "name": "users:2", "state": "folding", "reason": "it is folding its journal"}
HEAD = {"address": "10.0.0.1:6379", "reachable": True, "silent_seconds": 0.0, "seconds_left": None}
NODE = {"id": "a", "address": "10.100.200.101", "state": "alive", "cpus": 8}
FINE: dict[str, Any] = {
    "placement": "packed",
    "server": "0-1764098000000000-abcdef",
    "build": "68e13441",
    "hosts": [OPEN],
    "nodes": [NODE],
    "nodes_expected": 1,
    "head": HEAD,
}
TROUBLED = {
    **FINE,
    "hosts": [{**OPEN, "build": "00000000"}, AWAY, FOLDING],
    "nodes": [NODE, {**NODE, "id": "b", "address": "10.0.0.3", "state": "lost"}],
    "nodes_expected": 2,
    "head": {**HEAD, "reachable": False, "silent_seconds": 12.0, "seconds_left": 48.0},
}


class Scripted(HTTPServer):
    """Answers every request with `content`, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.content = 200, b""
        self.asked: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    serving = threading.Thread(target=scripted.serve_forever, args=[0.01])
    serving.start()
    yield scripted
    scripted.shutdown()
    scripted.server_close()
    serving.join()


def test_a_cluster_in_which_nothing_is_wrong_is_shown_and_exits_0(
    server: Scripted, tmp_path: Path
) -> None:
    server.content = json.dumps(FINE).encode()
    done = run_in(tmp_path, "cluster", "status", "--url", server.url)
    assert done.returncode == 0
    assert "Nothing is wrong." in done.stdout
    for words in (
        "1 of 1 hosts open",
        "open for 2 h 13 min",
        "10.0.0.1:6379 answers",
        "1,388 batches",
    ):
        assert words in done.stdout
    [(path, bearer)] = server.asked
    assert path == "/v1/operations/cluster"
    claims = jwt.decode(
        bearer.removeprefix("Bearer "),
        (tmp_path / PLACE).read_bytes().strip(),
        algorithms=["HS256"],
        audience="questkeep",
    )
    assert claims["role"] == "operator"


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_wrong_is_said_in_sentences_that_fit_and_exits_1(
    server: Scripted, tmp_path: Path, columns: int
) -> None:
    server.content = json.dumps(TROUBLED).encode()
    done = run_in(tmp_path, "cluster", "status", "--url", server.url, columns=columns)
    assert done.returncode == 1
    assert max(map(len, done.stdout.splitlines())) <= columns
    for sentence in (
        "users:0 runs build 00000000, not 68e13441.",
        "users:1 is away: it does not answer.",
        "users:2 is folding: it is folding its journal.",
        "1 of the nodes expected are missing.",
        "Ray's head is silent.",
        "silent for 12 s; 48 s until Ray ends everything",
    ):
        assert sentence in done.stdout


def test_programs_get_what_the_server_said(server: Scripted, tmp_path: Path) -> None:
    server.content = json.dumps(TROUBLED).encode()
    done = run_in(tmp_path, "cluster", "status", "--json", "--url", server.url)
    assert json.loads(done.stdout) == TROUBLED


def test_a_server_is_asked_for_more_hosts(server: Scripted, tmp_path: Path) -> None:
    server.content = json.dumps(FINE).encode()
    done = run_in(tmp_path, "cluster", "scale", "--hosts", "4", "--url", server.url)
    assert (done.returncode, "1 of 1 hosts open" in done.stdout) == (0, True)
    [(path, _)] = server.asked
    assert path == "/v1/operations/cluster/scale?hosts=4"


def test_a_user_is_found_with_a_token_from_a_file(server: Scripted, tmp_path: Path) -> None:
    server.content = json.dumps({"user_id": "alice", "host": AWAY}).encode()
    (tmp_path / "token").write_text("a.b.c\n")
    options = ("--url", server.url, "--token-file", "token")
    done = run_in(tmp_path, "user", "where", "a/b", *options)
    assert done.returncode == 1
    assert "10.100.200.101" in done.stdout
    assert server.asked == [("/v1/operations/cluster/users/a%2Fb", "Bearer a.b.c")]
    assert not (tmp_path / PLACE).exists()


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (403, b'{"code": "not_allowed", "detail": "The role is player"}', "403 not_allowed"),
        (200, b"<html>", "is it Questkeep?"),
    ],
)
def test_an_answer_that_is_no_status_is_one_sentence(
    server: Scripted, tmp_path: Path, status: int, content: bytes, expected: str
) -> None:
    server.status, server.content = status, content
    done = run_in(tmp_path, "cluster", "status", "--url", server.url)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) <= 2  # a secret may have been made


@pytest.mark.parametrize("url", ["ftp://x", "nowhere", "http://127.0.0.1:1"])
def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path, url: str) -> None:
    done = run_in(tmp_path, "cluster", "status", "--url", url)
    assert done.returncode == 2
    assert url in done.stderr


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7_980, "2 h 13 min"),
        (442_800, "5 d 3 h"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration(seconds) == text
