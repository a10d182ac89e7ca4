"""docs/operations.md, and what is logged at `warning` and above, for the tests of both."""

import ast
from pathlib import Path

import pytest

from tests.architecture_rules import PACKAGES, read_sources

ROOT = Path(__file__).parents[2]
Patch = pytest.MonkeyPatch
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
WAKES = {"warning", "error", "exception", "critical"}


def log_lines() -> set[str]:
    """What is logged at `warning` and above, as the code has it."""
    return {
        node.args[0].value
        for source in read_sources(ROOT, PACKAGES)
        for node in source.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _logs(node.func)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _logs(function: ast.Attribute) -> bool:
    """Whether it is `log.error` or the like, or `Snapshots.report`, which logs what it is given."""
    receiver = ast.unparse(function.value).rpartition(".")[2]
    if function.attr == "report":
        return receiver in ("self", "_snapshots")
    return function.attr in WAKES and receiver in ("log", "_log")
