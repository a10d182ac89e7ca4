"""What is logged, and what never is."""

import json
from typing import Any

import pytest

from gateway.server.output import logs
from gateway.server.output.logs import configure_logs, log_to_stderr
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, PLAYER, SECRET, SERVICE, ScriptedCluster, token


class Log:
    """Where lines go; `read` gives those since it was called last."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        self._lines.append(line)

    def read(self) -> str:
        lines, self._lines = self._lines, []
        return "".join(lines)


@pytest.fixture
def log() -> Log:
    return Log()


async def everything() -> None:
    """Requests of every kind, the bug included."""
    body = {**ACKNOWLEDGE, "note": "SWORDFISH in a body"}
    for gateway in (
        gateway_kit.gateway(),
        gateway_kit.gateway(ScriptedCluster(RuntimeError("a bug"))),
    ):
        for bearer in (PLAYER, SERVICE, token(exp=0), "nonsense", None):
            await gateway.send(ACKNOWLEDGE, bearer=bearer)
            await gateway.send(body, bearer=bearer)
            await gateway.get("/v1/users/alice", bearer=bearer)


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("level", ["debug", "error"])
async def test_no_token_secret_or_body_is_ever_logged(
    log: Log, log_format: str, level: str
) -> None:
    configure_logs(level, log_format, log.write)
    await everything()
    told = log.read()
    assert "RuntimeError: a bug" in told
    assert "SWORDFISH" not in told
    assert SECRET.decode() not in told
    for bearer in (PLAYER, SERVICE, token(exp=0)):
        for part in bearer.split("."):
            assert part not in told


async def test_a_user_id_is_logged_at_debug_only(log: Log) -> None:
    configure_logs("info", "json", log.write)
    await everything()
    assert "alice" not in log.read()
    configure_logs("debug", "json", log.write)
    await everything()
    assert "alice" in log.read()


async def test_a_bug_is_logged_with_its_traceback_under_the_id_the_client_got(
    log: Log,
) -> None:
    configure_logs("error", "json", log.write)
    gateway = gateway_kit.gateway(ScriptedCluster(RuntimeError("a bug")))
    answer = await gateway.send(ACKNOWLEDGE)
    [line] = [json.loads(line) for line in log.read().splitlines()]
    assert line["request_id"] == answer.json["request_id"]
    assert line["route"] == "/v1/users/{user_id}/commands"
    assert "RuntimeError: a bug" in line["exception"]
    assert line["level"] == "error"


async def test_at_debug_each_request_is_one_line(log: Log) -> None:
    configure_logs("debug", "json", log.write)
    await gateway_kit.gateway().get("/healthz", bearer=None)
    [line] = [json.loads(line) for line in log.read().splitlines()]
    told: dict[str, Any] = {name: line[name] for name in ("method", "path", "status", "code")}
    assert told == {"method": "GET", "path": "/healthz", "status": 200, "code": ""}


def test_lines_that_were_lost_are_counted_in_a_line(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """An output that has lost seven lines and takes the next one."""

        def __init__(self, _: int, on_lost: Any) -> None:
            self.write = log.write
            self.on_lost = on_lost

    monkeypatch.setattr(logs, "LineOutput", Full)
    monkeypatch.setattr(logs, "log_libraries", lambda: None)
    output: Any = log_to_stderr("info", "json")
    output.on_lost(7)
    event = json.loads(log.read())
    assert (event["event"], event["count"]) == ("log lines were lost", 7)
