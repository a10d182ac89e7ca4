"""A file for Ray's cluster launcher, with the units that it sends out: what each node would run.

Not for: judging it (`launcher_checks`), or running it (Ray).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from domain.small_files import Unreadable, read_text


class CannotRead(Exception):
    """The file is none.  The message is one sentence."""


class NodeStart(NamedTuple):
    """How Ray is started on a node.

    Attributes:
        text: the commands, and the units that they name, without comments.
        flags: of `ray start`, by name; empty where one has no value.
        variables: those of Ray that are set in it.
    """

    text: str
    flags: dict[str, str]
    variables: dict[str, str]


class LauncherFile(NamedTuple):
    """The file, and how its head and its workers start."""

    config: dict[str, Any]
    head: NodeStart
    worker: NodeStart


def read_launcher_file(path: Path) -> LauncherFile:
    """Read the file, and the units that it sends out.

    Raises:
        CannotRead: it is no file of this kind.
    """
    try:
        config = yaml.safe_load(read_text(path))
    except Unreadable as error:
        raise CannotRead(f"The file {error}.") from None
    except yaml.YAMLError as error:
        raise CannotRead(f"{path} is no YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(config, dict) or "provider" not in config:
        raise CannotRead(f"{path} has no provider: is it a file for Ray's launcher?")
    units = _units(config, path.parent)
    return LauncherFile(
        config,
        _node_start(config.get("head_start_ray_commands"), units),
        _node_start(config.get("worker_start_ray_commands"), units),
    )


def _units(config: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Units of systemd among what is sent out, by their names without a suffix."""
    sources = (config.get("file_mounts") or {}).values()
    return {
        unit.stem: re.sub(r"^#.*\n", "", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for source in sources
        for unit in sorted((folder / Path(str(source)).expanduser()).glob("*.service"))
    }


def _node_start(commands: object, units: Mapping[str, str]) -> NodeStart:
    lines = [str(command) for command in commands] if isinstance(commands, list) else []
    joined = "\n".join(lines)
    named = [text for name, text in units.items() if re.search(rf"\b{re.escape(name)}\b", joined)]
    text = "\n".join([joined, *named])
    _, _, words = text.partition("ray start ")
    flags = dict(re.findall(r"(--[a-z][a-z-]+)(?:=(\S+))?", words))
    variables = dict(re.findall(r"\b(RAY_\w+)=(\S+)", text))
    return NodeStart(text, flags, variables)
