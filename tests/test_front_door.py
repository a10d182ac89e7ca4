"""The front door keeps up: what the README and its neighbours promise a reader is there.

Not for whether the prose is good, nor for the operators' page (`tests.operations`).
"""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.architecture_rules import PACKAGES

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
RECORDS = sorted(ROOT.glob("docs/decisions/0*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_named_on_a_page_exists(page: Path) -> None:
    named = re.findall(r"(?:`|^|\n)make ([a-z-]+)", page.read_text(encoding="utf-8"))
    assert set(named) <= TARGETS


def test_the_hook_and_the_workflow_run_what_the_makefile_has() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [hook] = hooks["repos"][0]["hooks"]
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert hook["entry"] == "make check"
    assert runs == ["make check", "make test"]
    versions = [
        f"Programming Language :: Python :: {v}" for v in job["strategy"]["matrix"]["python"]
    ]
    assert versions == [line for line in PROJECT["classifiers"] if ":: Python ::" in line]


def test_the_licence_that_the_package_names_is_there_in_full() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    [name] = PROJECT["license-files"]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_package_says_that_it_is_typed() -> None:
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").exists()] == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_has_a_number_a_status_and_a_date_and_is_in_the_index(record: Path) -> None:
    number = int(record.name[:4])
    lines = record.read_text(encoding="utf-8").splitlines()
    title = re.fullmatch(rf"# {number}\. (.+)", lines[0])
    status = re.fullmatch(
        r"Status: ([a-z]+(?: by \d{4})?)\. Date: (\d{4}-\d\d-\d\d)\.(?: .+)?", lines[2]
    )
    assert title is not None
    assert status is not None, "the third line is `Status: accepted. Date: YYYY-MM-DD.`"
    row = f"| {number} | [{title[1]}]({record.name}) | {status[1]} | {status[2]} |"
    assert row in (record.parent / "README.md").read_text(encoding="utf-8")


def test_every_example_is_in_their_table() -> None:
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    files = [*ROOT.glob("examples/*.py"), *ROOT.glob("examples/*/*.toml")]
    names = [str(path.relative_to(ROOT / "examples")) for path in files]
    assert len(names) >= 6
    assert [name for name in names if f"({name})" not in table] == []


def test_the_way_of_one_command_names_rooms_and_modules_that_there_are() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:`([a-z/]+)`)? *\| (`[a-z_`, ]+`) \|", text, flags=re.MULTILINE)
    assert len(rows) >= 12
    room, missing = "", []
    for named, modules in rows:
        room = named or room
        paths = [f"{room}/{module}.py" for module in re.findall(r"`([a-z_]+)`", modules)]
        missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []
