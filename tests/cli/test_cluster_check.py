"""`questkeep cluster check`: each danger is found where it is, and nowhere else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.cli_kit import run_in

ROOT = Path(__file__).parents[2]
Change = Callable[[dict[str, Any], Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's own file and its units, to be changed."""
    shutil.copy(ROOT / "cluster.yaml", tmp_path)
    shutil.copytree(ROOT / "deploy" / "cluster", tmp_path / "deploy" / "cluster")
    return tmp_path


def check(folder: Path) -> tuple[int, list[dict[str, str]]]:
    done = run_in(folder, "cluster", "check", "cluster.yaml", "--json")
    return done.returncode, json.loads(done.stdout)


def in_unit(name: str, old: str, new: str) -> Change:
    def change(_: dict[str, Any], folder: Path) -> None:
        unit = folder / "deploy" / "cluster" / f"{name}.service"
        text = unit.read_text()
        assert old in text
        unit.write_text(text.replace(old, new))

    return change


def in_file(*keys: str, value: Any) -> Change:
    def change(config: dict[str, Any], _: Path) -> None:
        for key in keys[:-1]:
            config = config[key]
        config[keys[-1]] = value

    return change


HEAD, WORKER = "ray-head", "ray-worker"
RECONNECT = "RAY_gcs_rpc_server_reconnect_timeout_s"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (in_unit(HEAD, "RAY_AUTH_MODE=token", ""), "The head's Ray asks for no token"),
        (in_unit(WORKER, "RAY_AUTH_MODE=token", ""), "The worker's Ray asks for no token"),
        (in_file("auth", "ssh_private_key", value=None), "No auth.ssh_private_key"),
        (in_unit(WORKER, "--node-ip-address=${NODE_IP}", ""), "The worker is not told its address"),
        (in_unit(HEAD, "--port=6379", "--port=6380"), "The head listens on port 6380"),
        (in_file("max_workers", value=5), "min_workers and max_workers are 2 and 5"),
        (in_unit(HEAD, "autoscaler_v2=0", "autoscaler_v2=1"), "autoscaler version 2"),
        (in_unit(HEAD, "--num-cpus=0", "--num-cpus=2"), "The head offers CPUs"),
        (in_unit(HEAD, "RAY_gcs_storage_path", "OTHER"), "The head keeps its state in memory"),
        (in_unit(WORKER, f"{RECONNECT}=600", f"{RECONNECT}=60"), "end after 60 s without a head"),
        (in_unit(HEAD, "period_ms=500", "period_ms=20"), "a pause of a machine ends it"),
        (in_unit(HEAD, "threshold=3", "threshold=50"), "is given up after up to 75 s"),
        (in_unit(WORKER, "Restart=always", "Restart=no"), "Nobody starts the worker's Ray again"),
        (in_unit(HEAD, "--block", ""), "Nobody starts the head's Ray again"),
        (in_unit(HEAD, "ExecStart=", "ExecStartPre=ray stop\nExecStart="), "stops the head's Ray"),
        (in_file("file_mounts", "~/questkeep", value="."), "The whole source tree goes to"),
        (in_unit(WORKER, "RAY_worker_niceness=0", ""), "Hosts run at niceness 15"),
        (in_unit(HEAD, "host=127.0.0.1", "host=0.0.0.0"), "The dashboard listens on 0.0.0.0"),
    ],
)
def test_each_danger_is_found(folder: Path, change: Change, problem: str) -> None:
    assert check(folder) == (0, [])
    config = yaml.safe_load((folder / "cluster.yaml").read_text())
    change(config, folder)
    (folder / "cluster.yaml").write_text(yaml.safe_dump(config))
    code, found = check(folder)
    assert code == 1
    assert any(problem in finding["problem"] for finding in found)
    assert len(found) <= 3  # a head without its state also waits in vain, on either side


@pytest.mark.parametrize("columns", [80, 120])
def test_findings_can_be_read_at_any_width(folder: Path, columns: int) -> None:
    bare = {"provider": {"type": "local", "worker_ips": ["a", "b"]}}
    (folder / "cluster.yaml").write_text(yaml.safe_dump(bare))
    text = run_in(folder, "cluster", "check", "cluster.yaml", columns=columns).stdout
    assert max(map(len, text.splitlines())) <= columns
    assert text.count("- ") > 10


@pytest.mark.parametrize("content", ["[", "5", "{}"])
def test_what_is_no_launchers_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "cluster.yaml").write_text(content)
    done = run_in(tmp_path, "cluster", "check", "cluster.yaml")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert run_in(tmp_path, "cluster", "check", "missing.yaml").returncode == 2
