"""cluster.yaml is what Ray's launcher takes, and as closed as it says.  No network, no Ray started.

Not for what `ray up` does with it: that needs machines to log in to.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start as ray_start

from cli.cluster.launcher_checks import findings
from cli.cluster.launcher_file import read_launcher_file
from gateway.options import OPTIONS, variable
from gateway.server.serve import EXIT_TAKEN_OVER

PATH = Path(__file__).parent.parent / "cluster.yaml"
TEXT = PATH.read_text(encoding="utf-8")
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)
FILE = read_launcher_file(PATH)
STARTS = {"head": FILE.head, "worker": FILE.worker}


def test_the_launchers_own_schema_accepts_it() -> None:
    validate_config(prepare_config(CONFIG))


def test_the_schema_would_refuse_a_key_that_does_not_exist() -> None:
    with pytest.raises(Exception, match="head_start_comands"):
        validate_config(prepare_config({**CONFIG, "head_start_comands": []}))


def test_as_many_workers_are_kept_as_there_are_machines() -> None:
    prepared = prepare_config(CONFIG)
    (kind,) = prepared["available_node_types"].values()
    machines = len(CONFIG["provider"]["worker_ips"])
    assert (kind["min_workers"], kind["max_workers"], CONFIG["max_workers"]) == (machines,) * 3


@pytest.mark.parametrize("kind", STARTS)
def test_every_node_starts_with_flags_and_variables_that_ray_knows(kind: str) -> None:
    start = STARTS[kind]
    known = {name for option in ray_start.params for name in option.opts}
    assert start.flags.keys() - known == set()
    folder = Path(ray.__file__).parent / "core/src/ray"
    binaries = b"".join(
        (folder / name).read_bytes() for name in ("raylet/raylet", "gcs/gcs_server")
    )
    settings = {name.removeprefix("RAY_") for name in start.variables} - {"AUTH_MODE"}
    assert {name for name in settings if name.encode() not in binaries} == set()


def test_nothing_in_the_file_is_dangerous() -> None:
    assert findings(FILE) == []


def test_the_server_is_started_with_settings_that_exist() -> None:
    unit = (PATH.parent / "deploy/cluster/server.service").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(QUESTKEEP_\w+)=", unit + TEXT))
    assert named <= {variable(name) for name in OPTIONS}
    (command,) = re.findall(r"^ExecStart=.*/questkeep (.*)$", unit, flags=re.MULTILINE)
    assert command == "serve --ray ${HEAD_IP}:6379"
    assert f"RestartPreventExitStatus={EXIT_TAKEN_OVER}" in unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
@pytest.mark.parametrize(
    "unit", sorted((PATH.parent / "deploy/cluster").glob("*.service")), ids=str
)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
