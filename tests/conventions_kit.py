"""Conventions that a machine can hold: how tests are built, and that names in prose exist.

Not for the architecture of the product (`architecture_rules`).
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.architecture_rules import PACKAGES, Breach, Source, imports_of

TEST_MODULE = re.compile(r"(test_.+|.+_kit|.+_child|conftest|__init__)\.py")
# Harnesses and programs of their own, and the rules that the architecture test imports.
OTHER_MODULES = (
    "tests/architecture_rules.py",
    "tests/gateway/http/clients/",
    "tests/golden/write.py",
    "tests/torture/",
)
CLOCKS = re.compile(r"monotonic|perf_counter|process_time|time_ns|elapsed|seconds")
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

NOT_FOR = re.compile(r"Not for\b.*?(?:\n\s*\n|\Z)", re.DOTALL)
TICKED = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


def modules_of_tests_have_one_kind_of_name(source: Source) -> Iterator[Breach]:
    if source.path.startswith(OTHER_MODULES):
        return
    if not TEST_MODULE.fullmatch(PurePosixPath(source.path).name):
        advice = "call it test_*.py, or *_kit.py where tests share it, or *_child.py for a process."
        yield source.breach(1, advice)


def nobody_imports_a_test_module(source: Source) -> Iterator[Breach]:
    for imported in imports_of(source):
        path = f"{imported.module}.{imported.name or ''}".split(".")
        if path[0] == "tests" and any(part.startswith("test_") for part in path[1:-1]):
            yield source.breach(imported.line, "move what is shared into a kit (*_kit.py).")


def no_test_asserts_wall_time(source: Source) -> Iterator[Breach]:
    for node in source.nodes:
        if not isinstance(node, ast.Assert):
            continue
        for compared in ast.walk(node.test):
            if (
                isinstance(compared, ast.Compare)
                and any(isinstance(op, ORDERINGS) for op in compared.ops)
                and CLOCKS.search(ast.unparse(compared))
            ):
                advice = "a busy machine fails this: report the time, assert the count."
                yield source.breach(node.lineno, advice)


TEST_RULES = (
    modules_of_tests_have_one_kind_of_name,
    nobody_imports_a_test_module,
    no_test_asserts_wall_time,
)


class Names:
    """Every module of `sources`, and what each defines: functions, classes, members, constants."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._defined: dict[str, set[str]] = {}
        for source in sources:
            self._defined[source.module] = set(_definitions(source.tree, ""))
            for package in _parents(source.module):
                self._defined.setdefault(package, set())

    def knows(self, name: str, package: str) -> bool:
        """Whether `name` ends a module's path, or is defined: in that module, or in `package`.

        Names of Python's own library are taken on trust.
        """
        parts = name.split(".")
        if parts[0] in sys.stdlib_module_names:
            return True
        for cut in range(len(parts), 0, -1):
            module, member = ".".join(parts[:cut]), ".".join(parts[cut:])
            for path, defined in self._defined.items():
                if f".{path}".endswith(f".{module}") and (not member or member in defined):
                    return True
        visible = {package, *PACKAGES}
        inside = (
            defined for path, defined in self._defined.items() if path.partition(".")[0] in visible
        )
        return any(name in defined or f".{name}" in _tails(defined) for defined in inside)


def names_in_not_for_exist(source: Source, names: Names) -> Iterator[Breach]:
    """Every dotted name in backticks of a "Not for" paragraph is a module or a definition."""
    for node in source.nodes:
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for paragraph in NOT_FOR.findall(ast.get_docstring(node) or ""):
            for ticked in TICKED.findall(paragraph):
                if DOTTED.fullmatch(ticked) and not names.knows(ticked, source.package):
                    line = getattr(node, "lineno", 1)
                    yield source.breach(line, f"there is no `{ticked}`: name what there is.")


def _definitions(tree: ast.AST, prefix: str) -> Iterator[str]:
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name
            yield from _definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield prefix + node.target.id
        elif isinstance(node, ast.Assign):
            targets = (target for target in node.targets if isinstance(target, ast.Name))
            yield from (prefix + target.id for target in targets)


def _tails(defined: set[str]) -> set[str]:
    return {f".{name.rpartition('.')[2]}" for name in defined}


def _parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module
