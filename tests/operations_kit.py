"""docs/operations.md, and what is logged at `warning` and above, for the tests of both."""

import ast
from pathlib import Path

from tests.architecture_rules import PACKAGES, read_sources

ROOT = Path(__file__).parent.parent
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
        and node.func.attr in WAKES
        and ast.unparse(node.func.value).rpartition(".")[2] in ("log", "_log")
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
