"""The server from start to stop: a real process, real sockets, the line that people paste."""

import json
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.gateway.server.local_server_kit import Start, refusal, token_of

pytestmark = pytest.mark.slow


def test_it_says_where_it_is_and_what_it_keeps_once_it_is_ready(
    start: Start, tmp_path: Path
) -> None:
    server = start()
    text = "\n".join(server.printed)
    assert f"play       {server.url}/play" in text
    assert f"docs       {server.url}/docs" in text
    assert f"store      file://{tmp_path}/data" in text
    assert "placement  " in text
    assert "NOTHING IS KEPT" not in text
    assert httpx.get(f"{server.url}/readyz").json() == {"status": "ready"}


def test_in_a_pipe_too_a_start_tells_each_step_with_its_time(start: Start) -> None:
    steps = [re.fullmatch(r" *\d+\.\d s  (.+)", line) for line in start().printed]
    assert [step[1].partition(" file:")[0] for step in steps if step is not None] == [
        "rules, tokens and address are right",
        "the store",
        "users can live here (local placement)",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_line_to_paste_raises_alices_level_each_time(start: Start, shell: str) -> None:
    server = start(store="memory://")
    assert any("NOTHING IS KEPT" in line for line in server.printed)
    [line] = [line for line in server.printed if "curl" in line]
    levels = []
    for _ in range(3):
        pasted = subprocess.run([shell, "-c", line], capture_output=True, text=True, check=True)
        assert pasted.stderr == ""
        offered, turned_in = json.loads(pasted.stdout)
        assert offered["events"][0]["type"] == "quest_offered"
        levels.append(turned_in["changes"]["player_progression"]["level"])
    assert levels == [10, 13, 15]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_and_the_next_server_has_everything(
    start: Start, tmp_path: Path, number: int
) -> None:
    def snapshots() -> int:
        standing = (tmp_path / "data" / "snapshots").rglob("*.snapshot")
        return sum("alice" in path.name for path in standing)

    server = start()
    headers = {"authorization": f"Bearer {token_of(server)}"}
    body = {
        "type": "grant_player_progression_experience",
        "command_id": "k",
        "amount": 400,
    }
    url = f"{server.url}/v1/users/alice/commands"
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    assert snapshots() == 0
    assert server.stop(number) == 0
    assert snapshots() == 1
    printed, errors = server.child.communicate()
    assert "Stopping" in printed
    assert printed.endswith("Stopped.\n")
    assert errors == ""
    again = start()
    read = httpx.get(f"{again.url}/v1/users/alice/progression", headers=headers)
    assert read.json()["player_progression"]["level"] == 2
    replayed = httpx.post(f"{again.url}/v1/users/alice/commands", json=body, headers=headers)
    assert replayed.json()["replayed"] is True


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    server = start()
    # A request whose body never ends keeps the first stop waiting.
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /v1/users/alice/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
            b"authorization: Bearer " + token_of(server).encode() + b"\r\n\r\n{"
        )
        in_flight = "questkeep_http_requests_in_flight 1.0"
        while in_flight not in httpx.get(f"{server.url}/metrics").text:
            pass
        server.child.send_signal(signal.SIGINT)
        server.until("Stopping")
        answer = httpx.get(f"{server.url}/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        # Signals in quick succession count as one, so the second is sent until it counts.
        while server.child.poll() is None:
            server.child.send_signal(signal.SIGINT)
        assert server.child.returncode == 130


def test_a_port_in_use_is_one_sentence_and_exit_2(start: Start, tmp_path: Path) -> None:
    server = start()
    port = server.url.rpartition(":")[2]
    told = refusal(start(ready=False, port=port, store=f"file://{tmp_path}/other"))
    assert told.startswith(f"Port {port} on 127.0.0.1 is in use by another program")


def test_a_store_in_use_is_one_sentence_that_names_the_first_server(start: Start) -> None:
    server = start()
    assert server.url in refusal(start(ready=False))


def test_an_address_of_another_machine_is_one_sentence(start: Start) -> None:
    told = refusal(
        start(ready=False, host="198.51.100.1", jwt_secret="0123456789abcdef0123456789abcdef")
    )
    assert "cannot be listened on" in told


def test_with_a_secret_of_its_own_it_prints_no_token(start: Start) -> None:
    server = start(jwt_secret="0123456789abcdef0123456789abcdef")
    text = "\n".join(server.printed)
    assert "Bearer" not in text
    assert "/play" not in text
    assert "0123456789abcdef" not in text
    assert "signed with jwt_secret" in text


RAW = {
    "a path that climbs": (b"GET /v1/users/..%2f..%2fetc HTTP/1.1\r\nhost: x\r\n\r\n", b"401"),
    "a header that is huge": (
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 200_000 + b"\r\n\r\n",
        b"431",
    ),
    "two lengths": (
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"400",
    ),
    "a length and chunks": (
        b"POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"400",
    ),
    "no HTTP at all": (b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n", b"400"),
    "a HEAD": (b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"200"),
}


def test_raw_requests_are_answered_or_cut_off_and_the_server_lives(start: Start) -> None:
    server = start()
    port = int(server.url.rpartition(":")[2])
    for name, (request, status) in RAW.items():
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(request)
            answer = client.recv(65_536)
        assert not answer or answer.split()[1] == status, (name, answer)
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(start: Start) -> None:
    server = start()
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(
            b"POST /v1/users/alice/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 10485760\r\n"
            b"authorization: Bearer " + token_of(server).encode() + b"\r\n\r\n"
        )
        assert client.recv(65_536).startswith(b"HTTP/1.1 413 ")
