"""The lines for reverse proxies in docs/operations.md, run over TLS in front of a server."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.gateway.server.local_server_kit import LocalServer, token_of
from tests.gateway.server.proxies_kit import PROXIES, Proxy

pytestmark = pytest.mark.slow

COMMANDS = "/v1/users/alice/commands"
GRANT = {"type": "grant_player_progression_experience", "amount": 1}


class Served:
    """A server behind a proxy, and a client of the proxy that trusts its certificate."""

    def __init__(self, name: str, server: LocalServer, proxy: Proxy) -> None:
        self.name = name
        self.proxy = proxy
        self.headers = {"authorization": f"Bearer {token_of(server)}"}
        trust = ssl.create_default_context(cafile=str(proxy.certificate))
        self.client = httpx.Client(base_url=proxy.url, verify=trust, headers=self.headers)

    def grant(self, command_id: str) -> httpx.Response:
        return self.client.post(COMMANDS, json={**GRANT, "command_id": command_id})


@pytest.fixture(params=PROXIES, scope="module")
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    server = LocalServer(folder, {"store": "memory://"})
    try:
        server.until("Ctrl-C")
        with PROXIES[request.param](int(server.url.rpartition(":")[2]), folder) as proxy:
            found = Served(request.param, server, proxy)
            yield found
            found.client.close()
    finally:
        server.stop()
        server.child.communicate()


def test_players_are_served_over_tls_on_one_connection(served: Served) -> None:
    for number in range(40):
        answer = served.grant(f"c{number}")
        assert (answer.status_code, answer.json()["version"]) == (200, number + 1)
    assert served.grant("c0").json()["replayed"]
    assert served.client.get("/docs").status_code == 200
    assert served.client.get("/openapi.json").json()["openapi"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_both_versions_of_http_are_served(served: Served, version: str) -> None:
    trust = ("--cacert", str(served.proxy.certificate))
    body = json.dumps({**GRANT, "command_id": "c1"})
    headers = (
        f"Authorization: {served.headers['authorization']}",
        "Content-Type: application/json",
    )
    sent = ["-d", body, *(part for header in headers for part in ("-H", header))]
    shown = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
    command = ["curl", f"--http{version}", *trust, *sent, *shown, served.proxy.url + COMMANDS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"200 {version}", "")


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz", "/", "/v1x", "/private"])
def test_what_is_the_operators_is_not_to_be_seen(served: Served, path: str) -> None:
    assert served.client.get(path).status_code == 404


def test_a_body_that_is_too_large_is_refused_and_the_next_one_taken(served: Served) -> None:
    refused = served.client.post(COMMANDS, content=b" " * (2 << 20)).status_code
    # Caddy 2.6 at times takes its own limit for a failure of the server.
    assert refused in {"nginx": {413}, "caddy": {413, 502}}[served.name]
    assert served.grant("after").status_code == 200


def test_nginx_counts_one_address_and_takes_it_again_later(served: Served) -> None:
    if served.name != "nginx":
        pytest.skip("Caddy has no rate limit of its own")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: served.grant(f"burst{number}"), range(400)))
    assert {answer.status_code for answer in answers} == {200, 429}
    while served.grant("again").status_code == 429:
        pass
