"""A server on object storage: the same promises, and nothing on the machine's own disk.

`test_two_nodes` kills hosts and a server on a bucket, too; `test_local_placement` one without Ray.
"""

from pathlib import Path

import pytest

from tests.end_to_end.server_kit import Server
from tests.s3_kit import environment, new_bucket

pytestmark = [pytest.mark.ray, pytest.mark.campaign, pytest.mark.timeout(300)]


def test_a_server_on_object_storage_keeps_what_it_acknowledged(s3: str, tmp_path: Path) -> None:
    variables = environment(s3)
    url = new_bucket(s3)
    first = Server(tmp_path, "--store", url, **variables)
    try:
        service = first.client("--service", "game")
        service.send("cloud", "grant_player_progression_experience", "c1", amount=500)
        for process in first.user_processes():
            process.kill()
        again = service.send("cloud", "grant_player_progression_experience", "c1", amount=500)
        assert again["replayed"]
        service.send("cloud", "acknowledge_level_ups", "c2")
        first.kill()
    finally:
        first.end()

    second = Server(tmp_path, "--store", url, **variables)
    try:
        service = second.client("--service", "game")
        assert service.send("cloud", "acknowledge_level_ups", "c2")["replayed"]
        row = service.get("/v1/users/cloud/progression").json()
        assert (row["version"], row["player_progression"]["total_xp"]) == (2, 500)
        assert second.stop() == 0
    finally:
        second.end()
    assert not (tmp_path / "data").exists()
