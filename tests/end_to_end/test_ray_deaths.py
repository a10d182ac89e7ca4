"""Ray dies under a server: it ends by itself, says why, and the next one has everything.

One server after the other on the same store; of each another part of Ray is killed under load.
"""

import os
import re
import signal
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import httpx
import psutil
import pytest

from tests.end_to_end.load_kit import Load
from tests.end_to_end.server_kit import Server, command_line
from tests.processes_kit import gone, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

PLACEMENTS = {"packed": ("--placement", "packed", "--hosts", "2"), "dedicated": ()}
# A part of Ray, as its command line begins, and what the server says has ended: either because it
# saw the process go, or because Ray's driver did.
VITAL = {
    "raylet": "raylet",
    "gcs_server": "gcs_server",
    "ray::RuntimeEnvAgent": "raylet",  # which goes with its agents
    "ray::DashboardAgent": "raylet",
}
USERS = [f"player-{n}" for n in range(3)]
LAST_WORDS = "nobody can be served any more; this server ends"


def part_of(rays: list[psutil.Process], name: str) -> psutil.Process:
    """The process of Ray's whose program or title this is."""
    [found] = [
        one for one in rays if Path((command_line(one) or [""])[0]).name.strip().startswith(name)
    ]
    return found


@pytest.mark.parametrize(
    "placements",
    [
        pytest.param(("packed", "dedicated"), id="in turns"),
        pytest.param(("packed",), id="packed", marks=pytest.mark.campaign),
        pytest.param(("dedicated",), id="dedicated", marks=pytest.mark.campaign),
    ],
)
def test_the_server_ends_with_whatever_ray_cannot_do_without_and_the_next_has_everything(
    placements: Sequence[str], tmp_path: Path
) -> None:
    load = Load(USERS)
    for (victim, said), placement in zip(VITAL.items(), cycle(placements), strict=False):
        server = Server(tmp_path, *PLACEMENTS[placement])
        try:
            load.audit(server)
            load.play(server)
            load.goes_on()
            rays = psutil.Process(server.process.pid).children(recursive=True)
            part_of(rays, victim).send_signal(signal.SIGKILL)
            assert server.wait() == 1
            load.stop()
        finally:
            load.stop()
            server.end()
        until(lambda left=rays: gone([one.pid for one in left]))
        last = [line for line in server.log().splitlines() if LAST_WORDS in line][-1]
        assert re.search(rf"{said}( on this machine)? ended", last), last
    server = Server(tmp_path, *PLACEMENTS[placements[0]])
    load.audit(server)
    assert server.stop() == 0
    assert server.log().count(LAST_WORDS) == len(VITAL)
    assert "Traceback" not in server.log()


def test_without_rays_tools_and_after_a_hosts_death_users_are_served_on(tmp_path: Path) -> None:
    server = Server(tmp_path, *PLACEMENTS["packed"])
    load = Load(USERS)
    try:
        load.play(server)
        load.goes_on()
        rays = psutil.Process(server.process.pid).children(recursive=True)
        for tool in ("dashboard.py", "monitor.py", "log_monitor.py"):
            [process] = [one for one in rays if script_of(one) == tool]
            process.kill()
        host = server.user_processes()[0]
        host.kill()
        until(lambda: "a host died" in server.log())
        until(lambda: server.log().count("a tool of Ray's ended") == 3)
        load.goes_on()
        load.stop()
        assert f"process_id={host.pid}" in server.log()
        metrics = httpx.get(f"{server.url}/metrics").text
        assert "questkeep_host_deaths_total 1.0" in metrics
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        load.audit(server)
        assert server.stop() == 0
    finally:
        load.stop()
        server.end()


def script_of(process: psutil.Process) -> str:
    return next((os.path.basename(arg) for arg in command_line(process) if ".py" in arg), "")
