"""Rules read again while the server runs: by an operator's request, or by a signal."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import WrongSettings
from tests.gateway.gateway_kit import OPERATOR, PLAYER, RULES_TEXT, SERVICE, Gateway, gateway
from tests.gateway.server.local_server_kit import LocalServer, token_of
from tests.gateway.server.rules_kit import BROKEN_TEXT, NEW, OLD, OTHER_TEXT, RELOAD, WRONG_TEXT


class File:
    """A rules file that a test writes to."""

    def __init__(self) -> None:
        self.text: str | WrongSettings = RULES_TEXT

    def read(self) -> str:
        if isinstance(self.text, WrongSettings):
            raise self.text
        return self.text


@pytest.fixture
def file() -> File:
    return File()


@pytest.fixture
def served(file: File) -> Gateway:
    return gateway(read_rules=file.read)


async def shown(served: Gateway) -> str:
    return str((await served.get("/v1/rules")).json["fingerprint"])


async def test_an_operator_reloads_the_rules_and_everybody_sees_them(
    served: Gateway, file: File
) -> None:
    grant = {"type": "grant_player_progression_experience", "amount": 5}
    first = await served.send({**grant, "command_id": "c1"})
    file.text = OTHER_TEXT
    answer = await served.request("POST", RELOAD, bearer=OPERATOR)
    assert (answer.status, answer.json) == (
        200,
        {
            "name": "default",
            "fingerprint": NEW,
            "fingerprint_before": OLD,
            "changed": True,
            "level_cap": 60,
        },
    )
    assert await shown(served) == NEW
    second = await served.send({**grant, "command_id": "c2"}, user="bob")
    levels = [one.json["changes"]["player_progression"]["level"] for one in (first, second)]
    assert levels == [1, 2]


async def test_a_level_that_was_begun_keeps_its_price_until_the_row_is_rebased(
    served: Gateway, file: File
) -> None:
    grant = {"type": "grant_player_progression_experience", "amount": 5}
    await served.send({**grant, "command_id": "c1"})
    file.text = OTHER_TEXT
    await served.request("POST", RELOAD, bearer=OPERATOR)
    later = await served.send({**grant, "command_id": "c2"})
    assert later.json["changes"]["player_progression"]["level"] == 1
    rebased = await served.send({"type": "rebase_progression", "command_id": "c3"})
    row = rebased.json["changes"]["player_progression"]
    assert (row["level"], row["total_xp"], row["xp_to_next_level"]) == (2, 10, 900)


@pytest.mark.parametrize("bearer", [PLAYER, SERVICE])
async def test_only_an_operator_may_reload(served: Gateway, file: File, bearer: str) -> None:
    file.text = OTHER_TEXT
    answer = await served.request("POST", RELOAD, bearer=bearer)
    assert (answer.status, answer.code) == (403, "not_allowed")
    assert "expected operator" in answer.json["detail"]
    assert await shown(served) == OLD


async def test_nobody_reloads_without_a_token(served: Gateway) -> None:
    assert (await served.request("POST", RELOAD, bearer=None)).status == 401


async def test_a_broken_file_changes_nothing_and_every_problem_is_told(
    served: Gateway, file: File
) -> None:
    file.text = WRONG_TEXT
    answer = await served.request("POST", RELOAD, bearer=OPERATOR)
    assert (answer.status, answer.code) == (422, "invalid_rules")
    assert answer.json["detail"] == "Nothing changed: 2 problems in the rules file"
    assert answer.json["problems"] == [
        "strength.base is 0, expected at least 1: raise it",
        "quest_weights.minor is 0, expected at least 1: raise it",
    ]
    assert await shown(served) == OLD


async def test_a_file_that_is_gone_changes_nothing(served: Gateway, file: File) -> None:
    file.text = WrongSettings(["rules is x.toml, which cannot be read: No such file."])
    answer = await served.request("POST", RELOAD, bearer=OPERATOR)
    assert (answer.status, answer.code) == (422, "invalid_rules")
    assert answer.json["problems"] == ["rules is x.toml, which cannot be read: No such file."]


async def test_the_same_file_again_says_that_nothing_changed(served: Gateway) -> None:
    answer = await served.request("POST", RELOAD, bearer=OPERATOR)
    assert answer.json["changed"] is False


@pytest.fixture
def running(tmp_path: Path) -> Iterator[LocalServer]:
    """A real server whose rules file is `rules.toml` in its folder."""
    (tmp_path / "rules.toml").write_text(RULES_TEXT)
    server = LocalServer(tmp_path, {"rules": "rules.toml", "store": "memory://"})
    server.until("Ctrl-C")
    yield server
    server.child.kill()
    server.child.communicate()


def test_sighup_reloads_the_rules_of_a_running_server(running: LocalServer, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {token_of(running)}"}

    def fingerprint() -> str:
        return str(httpx.get(f"{running.url}/v1/rules", headers=headers).json()["fingerprint"])

    def log_until(word: str) -> str:
        assert running.child.stderr is not None
        return next(line for line in running.child.stderr if word in line)

    assert fingerprint() == OLD
    (tmp_path / "rules.toml").write_text(BROKEN_TEXT)
    running.child.send_signal(signal.SIGHUP)
    assert "not TOML" in log_until("the rules stay as they are")
    assert fingerprint() == OLD
    (tmp_path / "rules.toml").write_text(OTHER_TEXT)
    running.child.send_signal(signal.SIGHUP)
    assert NEW in log_until("rules reloaded")
    assert fingerprint() == NEW
