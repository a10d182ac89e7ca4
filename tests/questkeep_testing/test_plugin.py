"""A game team's project, run as they run it; its tests are the code of docs/testing.md."""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from gateway.play.assets import assets

ROOT = Path(__file__).parents[2]

PAGE = ROOT / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
OUTCOME = "1 failed, 9 passed"

MORE_TESTS = """
def test_each_test_has_a_server_of_its_own(questkeep):
    assert questkeep.read("alice")["version"] == 0


def test_a_service_reaches_everybody(questkeep, questkeep_service):
    questkeep_service.send_all([(f"user-{n}", GrantExperience(10)) for n in range(20)])
    assert questkeep.read("user-19")["version"] == 1


async def test_coroutines_work_too(questkeep):
    async with questkeep.connect("alice") as client:
        await client.user().ready()


def test_that_fails(questkeep):
    assert_level(questkeep, "alice", 7)
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def project(folder: Path) -> None:
    """Writes the team's project: the code of the page, and one test that must fail."""
    content = "\n".join([*BLOCKS, MORE_TESTS])
    (folder / "test_game.py").write_text(content, encoding="utf-8")
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")


def test_a_teams_tests_run_and_the_one_that_is_wrong_fails(pytester: pytest.Pytester) -> None:
    project(pytester.path)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines([f"*{OUTCOME}*"])
    result.stdout.fnmatch_lines(["*alice is at level 1 with 0 experience, expected 7*"])


def test_the_teams_rules_are_played(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def questkeep_settings():\n"
        "    return {'rules': 'd20', 'idle_seconds': 5.0}\n"
    )
    pytester.makepyfile(
        "def test_levels_end(questkeep):\n"
        "    import pytest\n"
        "    with pytest.raises(ValueError, match='1 to 20'):\n"
        "        questkeep.seed('alice', level=21)\n"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_run_that_asks_for_no_server_imports_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_nothing():\n"
        "    import sys\n"
        "    assert 'questkeep_testing.plugin' in sys.modules\n"
        "    assert not {'gateway', 'actors', 'questkeep_client'} & sys.modules.keys()\n"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_game_whose_package_has_a_name_of_ours_is_told_so(pytester: pytest.Pytester) -> None:
    pytester.mkpydir("domain")
    pytester.makepyfile("import domain\ndef test_it(questkeep): pass\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ImportError: *domain/__init__.py has the name of one of *"])


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_the_wheels_in_an_empty_environment_run_a_teams_tests(tmp_path: Path) -> None:
    wheels, folder = tmp_path / "wheels", tmp_path / "game"
    sources = tmp_path / "sources"
    not_copied = shutil.ignore_patterns(".*", "node_modules", "build", "tests", "benchmarks")
    shutil.copytree(ROOT, sources, ignore=not_copied)
    for source in (sources, sources / "clients" / "python"):
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, source]
        subprocess.run(command, check=True)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    built = {path.name.split("-")[0]: path for path in wheels.iterdir()}
    with ZipFile(built["questkeep"]) as wheel:
        assert {f"gateway/play/static/{name}" for name in assets()} <= set(wheel.namelist())
    packages = [f"{built['questkeep']}[testing]", str(built["questkeep_client"]), "pytest-asyncio"]
    pins = ["-c", ROOT / "constraints.txt"]
    subprocess.run([python, "-m", "pip", "install", "-q", *pins, *packages], check=True)
    folder.mkdir()
    project(folder)
    run = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    printed = subprocess.run(run, cwd=folder, capture_output=True, text=True)
    assert OUTCOME in printed.stdout, printed.stdout + printed.stderr
