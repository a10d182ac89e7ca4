"""The architecture holds, and the rules that watch it bite.

Not for behaviour: nothing here imports the product.
"""

from pathlib import Path

import pytest

from tests import architecture_rules as rules
from tests.architecture_rules import PACKAGES, Source

ROOT = Path(__file__).parent.parent
PRODUCT = rules.read_sources(ROOT, PACKAGES)
EVERYTHING = PRODUCT + rules.read_sources(ROOT, ["tests", "benchmarks", "examples"])


def listed(breaches: list[rules.Breach]) -> str:
    return "\n" + "\n".join(str(breach) for breach in breaches)


@pytest.mark.parametrize("rule", rules.PACKAGE_RULES, ids=lambda rule: rule.__name__)
def test_every_package_keeps_the_rule(rule: rules.Rule) -> None:
    breaches = [breach for source in PRODUCT for breach in rule(source)]
    assert not breaches, listed(breaches)


def test_modules_import_each_other_in_no_cycle() -> None:
    breaches = list(rules.import_cycles(PRODUCT))
    assert not breaches, listed(breaches)


def test_folders_import_each_other_in_no_cycle() -> None:
    breaches = list(rules.folder_cycles(PRODUCT))
    assert not breaches, listed(breaches)


def test_folders_stay_small() -> None:
    breaches = list(rules.folders_stay_small(PRODUCT))
    assert not breaches, listed(breaches)


def test_files_are_of_one_size() -> None:
    breaches = list(rules.files_are_of_one_size(PRODUCT))
    assert not breaches, listed(breaches)


def test_every_module_says_what_it_is_for() -> None:
    breaches = [b for source in EVERYTHING for b in rules.modules_have_docstrings(source)]
    assert not breaches, listed(breaches)


def test_there_is_something_to_check() -> None:
    assert {source.package for source in PRODUCT} == set(PACKAGES)


# Broken code: (rule, where, what, the line it must name, a word of the advice).
BAD = [
    (rules.packages_import_one_way, "domain/a.py", "import actors.host", 1, "one way"),
    (rules.packages_import_one_way, "persistence/a.py", "\nfrom gateway import app", 2, "one way"),
    (rules.packages_import_one_way, "actors/a.py", "from ..gateway import app", 1, "one way"),
    (rules.packages_import_one_way, "designer/a.py", "import persistence.store", 1, "one way"),
    (rules.packages_import_one_way, "gateway/a.py", "from cli import main", 1, "one way"),
    (
        rules.packages_import_one_way,
        "domain/a.py",
        "if TYPE_CHECKING:\n    from persistence.journal import Journal",
        2,
        "one way",
    ),
    (rules.packages_import_one_way, "actors/a.py", "import tests.kit", 1, "product"),
    (rules.domain_is_pure, "domain/a.py", "import time", 1, "pass in"),
    (rules.domain_is_pure, "domain/a.py", "def f():\n    from random import random", 2, "pass in"),
    (rules.domain_is_pure, "domain/a.py", "import importlib.resources", 1, "pass in"),
    (rules.domain_is_pure, "domain/a.py", "text = open('rules.toml')", 1, "open()"),
    (rules.domain_is_pure, "domain/a.py", "path.open()", 1, "open()"),
    (rules.domain_is_pure, "domain/a.py", "from domain.rules.load import x", 1, "text of a file"),
    (rules.domain_is_pure, "domain/a.py", "path.read_text()", 1, "read_text()"),
    (rules.domain_is_pure, "domain/a.py", "async def f(): ...", 1, "never waits"),
    (rules.owned_imports_stay_home, "actors/host.py", "import ray", 1, "ray_runtime.py"),
    (rules.owned_imports_stay_home, "gateway/app.py", "from ray.util import x", 1, "ray_runtime"),
    (rules.owned_imports_stay_home, "gateway/cli.py", "import pydantic_settings", 1, "settings.py"),
    (rules.environment_is_read_in_settings, "actors/a.py", "os.environ['A']", 1, "setting"),
    (rules.environment_is_read_in_settings, "actors/a.py", "os.getenv('A')", 1, "setting"),
    (rules.environment_is_read_in_settings, "actors/a.py", "from os import environ", 1, "setting"),
    (rules.environment_is_read_in_settings, "actors/a.py", "os.environ['A'] = 'b'", 1, "setting"),
    (rules.environment_is_read_in_settings, "gateway/cli.py", "o(envvar='A')", 1, "setting"),
    (
        rules.environment_is_read_in_settings,
        "actors/cluster/ray_runtime.py",
        "os.environ['A'] = 'b'",
        1,
        "setting",
    ),
    (rules.files_and_functions_stay_small, "actors/a.py", "x = 1\n" * 301, 301, "301 lines"),
    (
        rules.files_and_functions_stay_small,
        "actors/a.py",
        "class A:\n    async def f():\n" + "        x = 1\n" * 60,
        2,
        "f has 61 lines",
    ),
    (rules.names_say_something, "actors/user_manager.py", "", 1, "'manager'"),
    (rules.names_say_something, "actors/utils.py", "", 1, "'utils'"),
    (rules.names_say_something, "actors/helpers/__init__.py", "", 1, "'helpers'"),
    (rules.names_say_something, "actors/a.py", "x = 1\nclass HTTPInfo: ...", 2, "'info'"),
    (rules.names_say_something, "actors/a.py", "class _DataRow: ...", 1, "'data'"),
    (rules.modules_have_docstrings, "actors/a.py", "# a comment\nx = 1", 1, "docstring"),
]


@pytest.mark.parametrize(("rule", "path", "text", "line", "advice"), BAD)
def test_a_breach_is_caught_and_says_where_and_what_to_do(
    rule: rules.Rule, path: str, text: str, line: int, advice: str
) -> None:
    breaches = list(rule(Source(path, text)))
    assert [(b.path, b.line) for b in breaches] == [(path, line)]
    assert advice in breaches[0].advice
    assert str(breaches[0]).startswith(f"{path}:{line}: ")


GOOD = [
    ("domain/a.py", "from collections.abc import Iterator\nfrom . import rows"),
    ("domain/a.py", "import re\nimport domain.rows\nfrom pydantic_core import ErrorDetails"),
    ("gateway/a.py", "import actors.host, persistence.disk, domain.rows"),
    ("actors/cluster/ray_session.py", "import ray._private.worker"),
    ("actors/cluster/ray_environment.py", "import os\nos.environ['A'] = os.environ['B']"),
    ("gateway/settings_sources.py", "import os, pydantic_settings\nos.environ.get('A')"),
    ("actors/database.py", "class Metadata: ...\nclass Processor: ...\nclass Information: ..."),
    ("actors/a.py", "def f():\n" + "    x = 1\n" * 59),
]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_what_the_rules_allow_passes(path: str, text: str) -> None:
    source = Source(path, f'"""What for."""\n{text}')
    breaches = [breach for rule in rules.PACKAGE_RULES for breach in rule(source)]
    assert not breaches, listed(breaches)


def test_a_cycle_is_caught_even_when_an_import_is_lazy() -> None:
    breaches = list(
        rules.import_cycles(
            [
                Source("actors/a.py", "import os\nfrom actors import b"),
                Source("actors/b.py", "def f():\n    from actors.c import x"),
                Source("actors/c.py", "from .a import y"),
            ]
        )
    )
    assert len(breaches) == 1
    where = {"actors/a.py": 2, "actors/b.py": 2, "actors/c.py": 1}
    assert where[breaches[0].path] == breaches[0].line
    cycle = breaches[0].advice.partition(":")[0].removeprefix("import cycle ").split(" -> ")
    follows = {"actors.a": "actors.b", "actors.b": "actors.c", "actors.c": "actors.a"}
    assert [follows[module] for module in cycle[:-1]] == cycle[1:]


def test_folders_that_import_each_other_are_caught_though_their_modules_form_no_cycle() -> None:
    breaches = list(
        rules.folder_cycles(
            [
                Source("actors/host/a.py", "from actors.cluster import b"),
                Source("actors/cluster/b.py", "x = 1"),
                Source("actors/cluster/c.py", "\nfrom actors.host.d import y"),
                Source("actors/host/d.py", "y = 1"),
            ]
        )
    )
    assert len(breaches) == 1
    assert (breaches[0].path, breaches[0].line) in {
        ("actors/host/a.py", 1),
        ("actors/cluster/c.py", 2),
    }


def test_a_crowded_folder_is_caught() -> None:
    crowded = [Source(f"actors/host/m{n}.py", "x = 1") for n in range(15)]
    breaches = list(rules.folders_stay_small([Source("actors/host/__init__.py", ""), *crowded]))
    assert [breach.path for breach in breaches] == ["actors/host/__init__.py"]
    assert list(rules.folders_stay_small(crowded[1:])) == []


@pytest.mark.parametrize("lines", [79, 151])
def test_a_package_of_slivers_or_of_novels_is_caught(lines: int) -> None:
    files = [Source(f"actors/m{n}.py", "x = 1\n" * lines) for n in range(3)]
    [breach] = rules.files_are_of_one_size([*files, Source("actors/__init__.py", "")])
    assert f"{lines} lines" in breach.advice


def test_a_module_may_import_its_sibling_while_the_package_offers_both() -> None:
    sources = [
        Source("actors/__init__.py", "from actors.a import A\nfrom actors import b"),
        Source("actors/a.py", "from actors import b\nfrom actors.b import B"),
        Source("actors/b.py", "x = 1"),
    ]
    assert list(rules.import_cycles(sources)) == []


def test_a_module_may_not_import_from_the_package_that_imports_it() -> None:
    sources = [
        Source("actors/__init__.py", "from actors.a import A"),
        Source("actors/a.py", "from actors import A"),
    ]
    assert len(list(rules.import_cycles(sources))) == 1
