"""cluster.yaml is what Ray's launcher takes, and as closed as it says.  No network, no Ray started.

Not for what `ray up` does with it: that needs machines to log in to.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start as ray_start

from gateway.options import OPTIONS, flag

PATH = Path(__file__).parent.parent / "cluster.yaml"
TEXT = PATH.read_text(encoding="utf-8")
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)
HEAD = CONFIG["head_start_ray_commands"][-1]
WORKER = CONFIG["worker_start_ray_commands"][-1]


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


@pytest.mark.parametrize("command", [HEAD, WORKER], ids=["head", "worker"])
def test_every_node_starts_with_token_authentication_and_known_flags(command: str) -> None:
    before, _, options = command.partition("ray start ")
    assert re.search(r"export [^;]*RAY_AUTH_MODE=token", before)
    known = {name for option in ray_start.params for name in option.opts}
    flags = {word.partition("=")[0] for word in options.split() if word.startswith("--")}
    assert flags - known == set()
    assert "0.0.0.0" not in command


def test_every_setting_of_ray_exists() -> None:
    raylet = (Path(ray.__file__).parent / "core/src/ray/raylet/raylet").read_bytes()
    settings = set(re.findall(r"RAY_([a-z_]+)=", HEAD + WORKER))
    assert len(settings) == 4
    assert {name for name in settings if name.encode() not in raylet} == set()


def test_the_dashboard_is_on_loopback() -> None:
    assert "--dashboard-host=127.0.0.1" in HEAD


def test_the_server_is_started_with_flags_that_exist_on_a_store_for_several_nodes() -> None:
    (line,) = re.findall(r'make run ARGS="([^"]*)"', TEXT)
    words = shlex.split(line)
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert set(given) <= {flag(name) for name in OPTIONS}
    assert given["--placement"] == "packed"
    assert given["--store"].startswith("s3://")
    assert given["--ray"] == "127.0.0.1:6379"
