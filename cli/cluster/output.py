"""A cluster's status, for people at any width and as JSON for programs.

Not for: asking for it (`asking`).
"""

import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import typer

from cli.cluster.launcher_checks import Finding

COLUMNS_MAX = 120
TITLE_WIDTH = 12
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def troubles(status: dict[str, Any]) -> list[str]:
    """What somebody should see to, each as a sentence."""
    found = []
    for host in status["hosts"]:
        if not is_open(host):
            found.append(f"{host['name']} is {host['state']}: {host['reason']}.")
        if host["build"] not in ("", status["build"]):
            found.append(f"{host['name']} runs build {host['build']}, not {status['build']}.")
    here = _nodes_here(status)
    if here < status["nodes_expected"]:
        found.append(f"{status['nodes_expected'] - here} of the nodes expected are missing.")
    if status["head"] is not None and not status["head"]["reachable"]:
        found.append("Ray's head is silent.")
    return found


def is_open(host: dict[str, Any]) -> bool:
    """Whether the host serves its users."""
    return bool(host["state"] == "open")


def print_status(status: dict[str, Any], *, as_json: bool) -> None:
    """Print the whole cluster."""
    if as_json:
        typer.echo(json.dumps(status, indent=2))
        return
    hosts = status["hosts"]
    open_hosts = sum(map(is_open, hosts))
    _line("cluster", f"{status['placement']} placement, {open_hosts} of {len(hosts)} hosts open")
    _line("server", f"{status['server'] or '-'}, build {status['build']}")
    if status["head"] is not None:
        _line("head", _head(status["head"]))
    if status["nodes"]:
        _line("nodes", f"{_nodes_here(status)} of {status['nodes_expected']} expected")
        for node in status["nodes"]:
            _line("", f"{node['address']} {node['state']}, {node['cpus']} CPUs")
    for host in hosts:
        _print_host(host)
    found = troubles(status)
    typer.echo()
    for sentence in found or ["Nothing is wrong."]:
        typer.echo(_wrapped(sentence, ""))


def print_findings(found: Sequence[Finding], *, as_json: bool) -> None:
    """Print what a launcher's file has wrong, each with what to do."""
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in found], indent=2))
        return
    for finding in found:
        typer.echo(_wrapped(f"{finding.problem} {finding.advice}", "- "))
    if not found:
        typer.echo("Nothing dangerous was found.")


def print_place(place: dict[str, Any], *, as_json: bool) -> None:
    """Print where a user is."""
    if as_json:
        typer.echo(json.dumps(place, indent=2))
        return
    _line("user", place["user_id"])
    _print_host(place["host"])


def duration(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h 13 min`, `5 d 3 h`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _print_host(host: dict[str, Any]) -> None:
    typer.echo()
    reason = f": {host['reason']}" if host["reason"] else ""
    _line(host["name"], f"{host['state']} for {duration(host['seconds'])}{reason}")
    if host["process_id"]:
        node = f"{host['node']}, " if host["node"] else ""
        life = f"incarnation {host['incarnation'] or '-'}, build {host['build'] or '-'}"
        _line("", f"{node}process {host['process_id']}, {life}")
    users = host["users_active"]
    _line("", f"{users:,} {'user' if users == 1 else 'users'} in memory")
    for journal in host["journals"]:
        name = "" if journal["host"] == host["name"] else f" of {journal['host']}"
        folded = f"{journal['records_folded']:,} records in {journal['fold_seconds']:.1f} s"
        _line("", f"journal{name}: {journal['batches']:,} batches; last fold {folded}")


def _nodes_here(status: dict[str, Any]) -> int:
    return sum(node["state"] != "lost" for node in status["nodes"])


def _head(head: dict[str, Any]) -> str:
    if head["reachable"]:
        return f"{head['address']} answers"
    silent, left = duration(head["silent_seconds"]), duration(head["seconds_left"])
    return f"{head['address']} silent for {silent}; {left} until Ray ends everything"


def _line(title: str, text: str) -> None:
    typer.echo(_wrapped(text, f"{title:<{TITLE_WIDTH}}"))


def _wrapped(text: str, title: str) -> str:
    columns = min(COLUMNS_MAX, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text,
        columns,
        initial_indent=title if title.strip() or not title else " " * TITLE_WIDTH,
        subsequent_indent=" " * (len(title) if title.strip() else TITLE_WIDTH if title else 0),
        break_on_hyphens=False,
    )
