"""Clients that nobody here wrote, as they come: a command, a list, a refusal, a kept connection.

Several offer HTTP/2 with their first request, send bodies in chunks, or go on sending while they
are refused.  Their small programs stand in `clients/`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.gateway.http.relay_kit import relay
from tests.gateway.server.local_server_kit import LocalServer
from tests.gateway.server.workers_kit import SECRET, SERVICE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parent / "clients"
TOO_LARGE_BYTES = 3_000_000
KEPT = 1_000

CLIENTS = {
    "curl": ["sh", str(FOLDER / "client_curl.sh")],
    "java": ["java", str(FOLDER / "Client.java")],
    "go": ["go", "run", str(FOLDER / "client.go")],
    "node": ["node", str(FOLDER / "client.mjs")],
    "httpx": [sys.executable, str(FOLDER / "client_httpx.py")],
    "aiohttp": [sys.executable, str(FOLDER / "client_aiohttp.py")],
}
OFFER_HTTP_2 = {"curl", "java"}


def why_not(name: str) -> str:
    """Why this client cannot run here, or nothing."""
    if name in ("httpx", "aiohttp"):
        return "" if find_spec(name) else f"{name} is not installed"
    if shutil.which(name) is None:
        return f"there is no {name} here"
    if name == "java" and shutil.which("javac") is None:
        return "Java's compiler is not here"
    if name == "curl":
        features = subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout
        return "" if "HTTP2" in features else "this curl was built without HTTP/2"
    return ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server for all clients, on a local cluster."""
    settings = {"store": "memory://", "jwt_secret": SECRET, "body_bytes_max": "65536"}
    server = LocalServer(tmp_path_factory.mktemp("clients"), settings)
    server.until("Ctrl-C")
    yield server
    server.stop()
    server.child.communicate()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_as_it_comes_is_served(name: str, server: LocalServer) -> None:
    if reason := why_not(name):
        pytest.skip(reason)
    with relay(int(server.url.rpartition(":")[2]), seed=20260) as between:
        url = f"http://127.0.0.1:{between.port}/v1/users/{name}/commands"
        done = subprocess.run(
            [*CLIENTS[name], url, SERVICE, str(TOO_LARGE_BYTES), str(KEPT)],
            capture_output=True,
            text=True,
            env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"},
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == {"command": 200, "list": 3, "too_large": 413, "kept": KEPT}
    # A refusal of a body that is not read ends its connection; curl runs four times.
    assert between.connections <= 4
    if name in OFFER_HTTP_2:
        assert between.offers > 0
