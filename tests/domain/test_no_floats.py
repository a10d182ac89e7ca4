"""The rules count in integers only: the same numbers on every machine, and after every replay."""

import ast
from pathlib import Path

import pytest

# `wording` names values of any type, `load` joins paths with /; neither computes anything.
DOMAIN = sorted(
    path
    for path in (Path(__file__).parents[2] / "domain").rglob("*.py")
    if path.stem not in ("load", "wording")
)
EXACT = {"isqrt", "gcd"}


def floating(tree: ast.AST) -> list[str]:
    """Every place where a floating point number could come into being."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Div():
                found.append("a division with /")
            case ast.Constant(value=float()):
                found.append(f"the number {node.value!r}")
            case ast.Name(id="float"):
                found.append("float")
            case ast.ImportFrom(module="math"):
                found += [name.name for name in node.names if name.name not in EXACT]
            case ast.Import(names=names):
                found += ["all of math" for name in names if name.name == "math"]
    return found


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.stem)
def test_no_rule_computes_with_floating_point(path: Path) -> None:
    assert floating(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line", ["a / b", "1.5", "float(x)", "import math", "from math import pow"]
)
def test_floating_point_would_be_noticed(line: str) -> None:
    assert len(floating(ast.parse(line))) == 1
