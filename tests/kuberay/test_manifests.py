"""deploy/kuberay fits the types of Kubernetes and KubeRay, and the server that it starts.

Not for whether a cluster takes it: that needs one.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.options import OPTIONS, flag
from gateway.server.stop import LEAVE_SECONDS
from gateway.settings import Settings

FOLDER = Path(__file__).parent
TEXT = (FOLDER.parents[1] / "deploy" / "kuberay" / "questkeep.yaml").read_text(encoding="utf-8")
BY_KIND: dict[str, dict[str, Any]] = {each["kind"]: each for each in yaml.safe_load_all(TEXT)}
RAY = BY_KIND["RayCluster"]["spec"]
SERVER = BY_KIND["Deployment"]["spec"]
NODE, PROCESS = SERVER["template"]["spec"]["containers"]


def strictly(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", "run", "."], cwd=FOLDER, input=text, capture_output=True, text=True, timeout=600
    )


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here")
def test_every_member_is_one_of_the_types_and_a_wrong_one_is_refused() -> None:
    done = strictly(TEXT)
    assert (done.returncode, done.stdout.count(" fits\n")) == (0, len(BY_KIND)), done.stdout
    for right, wrong in (("headGroupSpec:", "headGroup:"), ("maxUnavailable:", "maxMissing:")):
        assert strictly(TEXT.replace(right, wrong)).returncode == 1


def test_the_head_has_no_hosts_and_keeps_its_state() -> None:
    assert RAY["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert RAY["gcsFaultToleranceOptions"]["redisAddress"]
    assert RAY["enableInTreeAutoscaling"] is False


def test_every_process_of_ray_asks_for_the_token_and_waits_for_a_head_that_boots() -> None:
    groups = [RAY["headGroupSpec"], *RAY["workerGroupSpecs"]]
    containers = [group["template"]["spec"]["containers"][0] for group in groups]
    for container in (*containers, NODE, PROCESS):
        variables = {each["name"]: each.get("value") for each in container["env"]}
        assert variables["RAY_AUTH_MODE"] == "token"
        assert int(variables["RAY_gcs_rpc_server_reconnect_timeout_s"]) >= 120


def test_the_server_is_started_with_flags_that_exist_beside_a_ray_node_of_its_own() -> None:
    words = PROCESS["command"]
    given = dict(zip(words[2::2], words[3::2], strict=True))
    assert given.keys() <= {flag(name) for name in OPTIONS}
    assert given["--ray"] in "".join(NODE["command"])
    assert given["--store"].startswith("s3://")
    assert PROCESS["volumeMounts"] == NODE["volumeMounts"]  # the node's sockets and its store


def test_one_server_at_a_time_with_the_time_to_drain_and_one_node_at_a_time() -> None:
    assert (SERVER["replicas"], SERVER["strategy"]["type"]) == (1, "Recreate")
    patience = SERVER["template"]["spec"]["terminationGracePeriodSeconds"]
    needed = Settings().drain_seconds + LEAVE_SECONDS
    assert patience > needed
    budget = BY_KIND["PodDisruptionBudget"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert (
        budget["selector"]["matchLabels"]["ray.io/group"] == RAY["workerGroupSpecs"][0]["groupName"]
    )
