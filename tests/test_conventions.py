"""The conventions of CONTRIBUTING.md hold, and the rules that watch them bite."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as Settings
from hypothesis import strategies as st

from persistence.failpoints import HOST_FAILPOINTS, STORE_FAILPOINTS
from tests import architecture_rules, conventions_kit
from tests.architecture_rules import PACKAGES, Source
from tests.conventions_kit import Names

ROOT = Path(__file__).parent.parent
TESTS = architecture_rules.read_sources(ROOT, ["tests"])
PRODUCT = architecture_rules.read_sources(ROOT, PACKAGES)
SCRIPTS = architecture_rules.read_sources(ROOT, ["benchmarks", "examples"])
NAMES = Names([*PRODUCT, *TESTS, *SCRIPTS])
CHECK = r"[a-z_]+\.[a-z_0-9]+"
FOLDERS = (*PACKAGES, "tests", "benchmarks", "examples", "docs")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]


def listed(breaches: list[architecture_rules.Breach]) -> str:
    return "\n" + "\n".join(map(str, breaches))


@pytest.mark.parametrize("rule", conventions_kit.TEST_RULES, ids=lambda rule: rule.__name__)
def test_every_test_module_keeps_the_rule(rule: architecture_rules.Rule) -> None:
    breaches = [breach for source in TESTS for breach in rule(source)]
    assert not breaches, listed(breaches)


def test_no_property_has_a_deadline() -> None:
    """A deadline would be an assertion on wall time."""
    assert Settings.default.deadline is None

    @given(st.integers())
    def holds(number: int) -> None: ...

    assert holds._hypothesis_internal_use_settings.deadline is None


def test_the_folders_of_tests_mirror_the_rooms() -> None:
    folders = {
        path.parent for name in PACKAGES for path in (ROOT / "tests" / name).rglob("test_*.py")
    }
    rooms = [folder.relative_to(ROOT / "tests") for folder in folders]
    assert len(rooms) > 15
    assert [str(room) for room in rooms if not (ROOT / room / "__init__.py").exists()] == []


def test_every_name_in_a_not_for_paragraph_exists() -> None:
    sources = [*PRODUCT, *TESTS, *SCRIPTS]
    breaches = [b for s in sources for b in conventions_kit.names_in_not_for_exist(s, NAMES)]
    assert not breaches, listed(breaches)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_on_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://)([^)#]+)", text)
    ticked = [name for name in conventions_kit.TICKED.findall(text) if _is_path(name)]
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in ticked if not _exists(name)]
    assert missing == []


def test_every_check_named_in_the_table_of_mutants_exists() -> None:
    """A row whose test is gone would promise what nothing holds."""
    text = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    named = {name for name in conventions_kit.TICKED.findall(text) if re.fullmatch(CHECK, name)}
    checks = named - {*STORE_FAILPOINTS, *HOST_FAILPOINTS}
    assert len(checks) > 30
    assert sorted(name for name in checks if not NAMES.knows(name, "tests")) == []


def _is_path(name: str) -> bool:
    return re.fullmatch(r"[\w./-]+", name) is not None and name.startswith(
        tuple(f"{folder}/" for folder in FOLDERS)
    )


def _exists(name: str) -> bool:
    return (ROOT / name).exists() or (ROOT / f"{name}.py").exists()


BAD = [
    (conventions_kit.modules_of_tests_have_one_kind_of_name, "tests/a/rig.py", "x = 1", "test_*"),
    (
        conventions_kit.nobody_imports_a_test_module,
        "tests/a/b_kit.py",
        "from tests.a.test_b import x",
        "kit",
    ),
    (
        conventions_kit.no_test_asserts_wall_time,
        "tests/test_a.py",
        "assert time.monotonic() - began < 5",
        "busy",
    ),
    (
        conventions_kit.no_test_asserts_wall_time,
        "tests/test_a.py",
        "assert 3 > seconds, 'too slow'",
        "busy",
    ),
]


@pytest.mark.parametrize(("rule", "path", "text", "advice"), BAD)
def test_a_breach_is_caught(
    rule: architecture_rules.Rule, path: str, text: str, advice: str
) -> None:
    [breach] = rule(Source(path, text))
    assert advice in breach.advice


@pytest.mark.parametrize(
    "name", ["player", "designer.simulation", "simulation.player.Player", "play", "Player.state"]
)
def test_a_name_that_there_is_passes(name: str) -> None:
    source = Source("designer/a.py", f'"""Something.\n\nNot for: that (`{name}`).\n"""')
    player = Source(
        "designer/simulation/player.py", "class Player:\n    state: int\n    def play(self): ..."
    )
    assert list(conventions_kit.names_in_not_for_exist(source, Names([source, player]))) == []


@pytest.mark.parametrize("name", ["playing", "simulation.playing", "player.Stage", "Player.stage"])
def test_a_name_that_there_is_not_is_caught(name: str) -> None:
    source = Source("designer/a.py", f'"""Something.\n\nNot for: that (`{name}`).\n"""')
    player = Source("designer/simulation/player.py", "class Player:\n    state: int")
    [breach] = conventions_kit.names_in_not_for_exist(source, Names([source, player]))
    assert f"`{name}`" in breach.advice
