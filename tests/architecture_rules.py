"""The rules of ARCHITECTURE.md that a machine can hold: from source text to breaches, purely.

Not for style (ruff) nor types (mypy), and not for finding files on disk beyond `read_sources`.
Each rule takes one `Source`, except those on cycles and folders, which need them all. Every breach
says where it is and what to do about it.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from statistics import median

# What each package may import beside itself: a graph without a way back.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "persistence": frozenset({"domain"}),
    "actors": frozenset({"persistence", "domain"}),
    "gateway": frozenset({"actors", "persistence", "domain"}),
    "designer": frozenset({"domain"}),
    "cli": frozenset({"gateway", "designer", "actors", "persistence", "domain"}),
    "questkeep_handles": frozenset({"gateway", "actors", "persistence", "domain"}),
    "questkeep_testing": frozenset(
        {"questkeep_handles", "gateway", "designer", "actors", "persistence", "domain"}
    ),
}
PACKAGES = tuple(MAY_IMPORT)
# `python -m gateway` starts the command line: a name that scripts use.
ENTRY_POINTS = frozenset({"gateway/__main__.py"})
FOLDER_MODULES_MAX = 14

DOMAIN_MAY_IMPORT = frozenset(
    "annotated_types array bisect collections dataclasses difflib domain enum fractions functools"
    " hashlib itertools json math msgspec operator pydantic pydantic_core re struct tomllib types"
    " typing zstandard".split()
)
DOMAIN_MAY_NOT_CALL = frozenset(
    "open print input eval exec __import__ read_text read_bytes write_text write_bytes".split()
)

# Give everybody a file's text, such as that of rules; nothing that decides may import them.
FILE_READERS = {
    "domain.rules.load": "domain/rules/load.py",
    "domain.small_files": "domain/small_files.py",
}

# What only these files may import, so that the rest stays free of it.
OWNED_IMPORTS = {
    "ray": frozenset(
        [
            *(f"actors/cluster/ray_{name}.py" for name in ("actor", "nodes", "runtime", "session")),
            "actors/cluster/ray_hosts.py",
        ]
    ),
    "pydantic_settings": frozenset({"gateway/settings.py", "gateway/settings_sources.py"}),
}
ENVIRONMENT_READER = "gateway/settings_sources.py"
# Ray takes some of its settings only from the environment: one file looks after those.
ENVIRONMENT_FOR_RAY = "actors/cluster/ray_environment.py"
ENVIRONMENT_NAMES = frozenset({"environ", "environb", "getenv", "getenvb"})

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60
# Half of a package's files are shorter; below this they would be slivers, above it novels.
MEDIAN_LINES = range(80, 151)
VAGUE_WORDS = frozenset("manager helper util data info process".split())

# Everything else in the repository is text.
BINARY_SUFFIXES = frozenset(".bin .gif .ico .jpg .journal .png .snapshot .woff2".split())


@dataclass(frozen=True)
class Breach:
    """One place that breaks a rule; prints as `file:line: what to do`."""

    path: str
    line: int
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.advice}"


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root of the repository, with slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def module(self) -> str:
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        return self.path.partition("/")[0]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node, also inside functions and `if TYPE_CHECKING:`: no import can hide."""
        return list(ast.walk(self.tree))

    def breach(self, line: int, advice: str) -> Breach:
        return Breach(self.path, line, advice)


@dataclass(frozen=True)
class Import:
    """`import module`, or `from module import name`."""

    line: int
    module: str
    name: str | None = None

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports_of(source: Source) -> Iterator[Import]:
    """Every import, relative ones spelled out."""
    parts = PurePosixPath(source.path).parts[:-1]
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (Import(node.lineno, module, alias.name) for alias in node.names)


def packages_import_one_way(source: Source) -> Iterator[Breach]:
    allowed = MAY_IMPORT[source.package] | {source.package}
    for imported in imports_of(source):
        top = imported.top
        if top in MAY_IMPORT and top not in allowed and source.path not in ENTRY_POINTS:
            below = ", ".join(sorted(MAY_IMPORT[source.package])) or "nothing of ours"
            yield source.breach(
                imported.line,
                f"{source.package} must not import {imported.module}: packages import one way, "
                f"and {source.package} imports {below}. Move the shared part down, or pass it in.",
            )
        if imported.top in {"tests", "benchmarks", "examples"}:
            yield source.breach(
                imported.line, f"the product must not import {imported.top}: move the code here."
            )


def domain_is_pure(source: Source) -> Iterator[Breach]:
    """No clock, dice, I/O, threads or waiting in the rules: what they need, they are given."""
    if source.package != "domain" or source.path in FILE_READERS.values():
        return
    for imported in imports_of(source):
        if imported.module in FILE_READERS or imported.top not in DOMAIN_MAY_IMPORT:
            yield source.breach(
                imported.line,
                f"domain must not import {imported.module}: pass in what it would give (time, "
                "dice, text of a file), or, if it is pure, add it to DOMAIN_MAY_IMPORT.",
            )
    for node in source.nodes:
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield source.breach(node.lineno, "domain never waits: make this a plain function.")
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in DOMAIN_MAY_NOT_CALL:
                yield source.breach(
                    node.lineno, f"domain must not call {name}(): let the caller do it."
                )


def owned_imports_stay_home(source: Source) -> Iterator[Breach]:
    for imported in imports_of(source):
        owners = OWNED_IMPORTS.get(imported.top)
        if owners is not None and source.path not in owners:
            yield source.breach(
                imported.line,
                f"only {' and '.join(sorted(owners))} import {imported.top}: go through them.",
            )


def environment_is_read_in_settings(source: Source) -> Iterator[Breach]:
    if source.path in (ENVIRONMENT_READER, ENVIRONMENT_FOR_RAY):
        return
    for node in source.nodes:
        found = (
            (isinstance(node, ast.Attribute) and ast.unparse(node) in _OS_ENVIRONMENT)
            or (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and any(alias.name in ENVIRONMENT_NAMES for alias in node.names)
            )
            # typer and click read the environment themselves when told a variable's name.
            or (isinstance(node, ast.keyword) and node.arg == "envvar")
        )
        if found:
            yield source.breach(
                node.lineno,
                f"only {ENVIRONMENT_READER} reads the environment: add a setting and pass it in.",
            )


_OS_ENVIRONMENT = frozenset(f"os.{name}" for name in ENVIRONMENT_NAMES)


def files_and_functions_stay_small(source: Source) -> Iterator[Breach]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        advice = f"{lines} lines, at most {FILE_LINES_MAX}: this file wants to be two concepts."
        yield source.breach(FILE_LINES_MAX + 1, advice)
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield source.breach(
                    node.lineno,
                    f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}: "
                    "give a part of it a name of its own.",
                )


def names_say_something(source: Source) -> Iterator[Breach]:
    named = [(1, part) for part in source.module.split(".")]
    named += [(node.lineno, node.name) for node in source.nodes if isinstance(node, ast.ClassDef)]
    for line, name in named:
        words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
        vague = sorted(w for w in words if {w, w.removesuffix("s")} & VAGUE_WORDS)
        if vague:
            yield source.breach(line, f"{name}: {vague[0]!r} is vague; name what it is or does.")


def modules_have_docstrings(source: Source) -> Iterator[Breach]:
    if not ast.get_docstring(source.tree):
        yield source.breach(1, "say in a docstring what this is for, then what it is not for.")


def folders_stay_small(sources: Iterable[Source]) -> Iterator[Breach]:
    """A folder holds so few modules that a reader takes it in at a glance."""
    modules = Counter(
        str(PurePosixPath(source.path).parent)
        for source in sources
        if not source.path.endswith("/__init__.py")
    )
    for folder, count in modules.items():
        if count > FOLDER_MODULES_MAX:
            yield Breach(
                f"{folder}/__init__.py",
                1,
                f"{count} modules, at most {FOLDER_MODULES_MAX}: this folder wants to be two.",
            )


def files_are_of_one_size(sources: Iterable[Source]) -> Iterator[Breach]:
    """In each package of some files the median of their lengths is a page or two."""
    lengths: dict[str, list[int]] = {}
    for source in sources:
        if not source.path.endswith("/__init__.py"):
            lengths.setdefault(source.package, []).append(len(source.text.splitlines()))
    for package, lines in lengths.items():
        if len(lines) > 2 and (middle := round(median(lines))) not in MEDIAN_LINES:
            yield Breach(
                f"{package}/__init__.py",
                1,
                f"the median file has {middle} lines, expected {MEDIAN_LINES[0]} to "
                f"{MEDIAN_LINES[-1]}: split what is long, or merge slivers.",
            )


Rule = Callable[[Source], Iterable[Breach]]

PACKAGE_RULES: tuple[Rule, ...] = (
    packages_import_one_way,
    domain_is_pure,
    owned_imports_stay_home,
    environment_is_read_in_settings,
    files_and_functions_stay_small,
    names_say_something,
    modules_have_docstrings,
)


def _edges(sources: list[Source]) -> Iterator[tuple[Source, int, Source]]:
    """(who imports, at which line, whom), among our own modules; lazy imports count.

    A package's `__init__` counts only when it is imported by name: that Python runs it first anyway
    lets a package offer its modules' names.
    """
    by_module = {source.module: source for source in sources}
    for source in sources:
        for imported in imports_of(source):
            submodule = f"{imported.module}.{imported.name}"
            target = by_module.get(submodule) or by_module.get(imported.module)
            if target is not None and target is not source:
                yield source, imported.line, target


def import_cycles(sources: Iterable[Source]) -> Iterator[Breach]:
    """The first cycle of modules there is, at one of its imports."""
    yield from _cycle(list(sources), lambda source: source.module)


def folder_cycles(sources: Iterable[Source]) -> Iterator[Breach]:
    """The first cycle of folders there is: rooms of one package import one way too.

    A module that stands directly in a package's folder is a room by itself: `persistence/store.py`
    is below the stores, `persistence/open.py` above them.
    Entry points (`__main__`) stand above everything and are left out.
    """
    rooms = [source for source in sources if source.path not in ENTRY_POINTS]
    yield from _cycle(rooms, _room)


def _room(source: Source) -> str:
    """A folder inside a package, with the folders in it."""
    package, *rooms = PurePosixPath(source.path).parent.parts
    return f"{package}/{rooms[0]}" if rooms else source.module


def _cycle(sources: list[Source], group: Callable[[Source], str]) -> Iterator[Breach]:
    graph: dict[str, set[str]] = {group(source): set() for source in sources}
    where: dict[tuple[str, str], Breach] = {}
    for source, line, target in _edges(sources):
        pair = group(source), group(target)
        if pair[0] != pair[1]:
            graph[pair[0]].add(pair[1])
            where.setdefault(pair, source.breach(line, ""))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib lists each node before the one that imports it.
        cycle: list[str] = error.args[1][::-1]
        breach = where[cycle[0], cycle[1]]
        advice = f"import cycle {' -> '.join(cycle)}: move what both need into a module below them."
        yield Breach(breach.path, breach.line, advice)


def text_is_utf8(path: str, content: bytes) -> Iterator[Breach]:
    if PurePosixPath(path).suffix in BINARY_SUFFIXES:
        return
    if content.startswith(b"\xef\xbb\xbf"):
        yield Breach(path, 1, "save it without a byte order mark.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Breach(path, line, f"not UTF-8 ({error.reason}): save it as UTF-8, or {_BINARY}")
        return
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        yield Breach(path, line, f"a NUL byte: save it as UTF-8, or {_BINARY}")


_BINARY = "if it is no text, add its suffix to BINARY_SUFFIXES in tests/architecture_rules.py."


def read_sources(root: Path, folders: Iterable[str]) -> list[Source]:
    return [
        Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
    ]
