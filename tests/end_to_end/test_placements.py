"""Another placement, or another number of hosts, after a kill: nothing is lost (P7).

`test_ray_deaths` changes the placement after each death, too.
"""

from pathlib import Path

import pytest

from tests.end_to_end.server_kit import Server

pytestmark = [pytest.mark.ray, pytest.mark.campaign, pytest.mark.timeout(300)]

USERS = [f"mover-{n}" for n in range(4)]
PLACEMENTS = [
    ("--placement", "dedicated"),
    ("--placement", "packed", "--hosts", "2"),
    ("--placement", "packed", "--hosts", "3"),
]


def test_what_was_acknowledged_under_one_placement_is_there_under_the_next(tmp_path: Path) -> None:
    for life, options in enumerate(PLACEMENTS, start=1):
        server = Server(tmp_path, *options)
        try:
            service = server.client("--service", "game")
            for user in USERS:
                for earlier in range(1, life):
                    again = service.send(
                        user, "grant_player_progression_experience", f"c{earlier}", amount=earlier
                    )
                    assert again["replayed"]
                service.send(user, "grant_player_progression_experience", f"c{life}", amount=life)
                row = service.get(f"/v1/users/{user}/progression").json()
                assert row["version"] == life
                assert row["player_progression"]["total_xp"] == sum(range(life + 1))
            server.kill()
        finally:
            server.end()
