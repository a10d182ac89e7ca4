"""`@questkeep/client/testing`: a server of one's own, and a network that waits."""

import sys
from pathlib import Path

import pytest

from tests.clients import typescript_kit

pytestmark = [pytest.mark.kills, pytest.mark.slow, pytest.mark.timeout(200)]

HERE = Path(__file__).parent
QUESTKEEP = Path(sys.executable).with_name("questkeep")


def test_a_server_is_started_seeded_watched_and_stopped(tmp_path: Path) -> None:
    dist = typescript_kit.built() / "dist"
    program = (*typescript_kit.node_command().split(), HERE / "testing_child.mjs", dist, QUESTKEEP)
    printed = typescript_kit.run(*program, folder=tmp_path)
    assert printed.splitlines() == ["predicted and confirmed", "cut and resumed", "ended"]
    assert list(tmp_path.iterdir()) == []
