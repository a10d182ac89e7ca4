"""`questkeep simulate` and the pictures, through real processes and as files."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.designer.story_kit import RULES_FILE, SMALL_STORY, STORIES

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
PICTURE_BYTES_MAX = 200_000
WITHOUT_MATPLOTLIB = """
import runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
runpy.run_module("gateway", run_name="__main__")
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(f'rules = "{RULES_FILE}"\n{SMALL_STORY}', encoding="utf-8")
    return path


def run(folder: Path, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    way = ["-m", "cli"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, "-W", "error", *way, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.slow
def test_a_story_is_played_shown_and_drawn(story: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "simulate", "small.toml", "--players", "50", "-o", "out")
    assert done.returncode == 0, done.stderr
    for word in (
        "small: rules twelve levels",
        "50 players",
        "fights lost",
        "careful",
        "wild",
        "Level over hours played",
    ):
        assert word in done.stdout
    assert "turns/s" in done.stderr
    _check_picture(tmp_path / "out" / "small.svg")
    report = json.loads((tmp_path / "out" / "small.json").read_bytes())
    assert report["players"] == 50
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["small.json", "small.svg"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files_for_any_number_of_processes(
    story: Path, tmp_path: Path
) -> None:
    files = []
    for processes in ("1", "2"):
        arguments = ("--players", "40", "--seed", "3", "--processes", processes, "-o", processes)
        done = run(tmp_path, "simulate", "small.toml", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        kept = [(tmp_path / processes / f"small.{kind}").read_bytes() for kind in ("json", "svg")]
        files.append([done.stdout.encode(), *kept])
    assert files[0] == files[1]
    assert json.loads(files[0][0]) == json.loads(files[0][1])


def test_other_rules_can_be_tried_on_a_story(story: Path, tmp_path: Path) -> None:
    done = run(
        tmp_path, "simulate", "small.toml", "--players", "9", "--rules", "season-pass", "--json"
    )
    assert json.loads(done.stdout)["rules"] == "season-pass"


MISTAKES = [
    (("none.toml",), 2, "none.toml cannot be read: No such file or directory."),
    (("small.toml", "--rules", "mmo61"), 2, "mmo61 is neither a file nor a preset"),
    (("small.toml", "--players", "0"), 2, "Invalid value for '--players'"),
    (("broken.toml",), 1, "broken.toml: players (entry 1).share is 0, expected at least 1"),
    (("small.toml", "--rules", "broken_rules.toml"), 1, "broken_rules.toml: name is 5, expected"),
    (("small.toml", "-o", "small.toml"), 2, "small.toml cannot be made: File exists."),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), MISTAKES)
def test_a_mistake_is_told_before_anybody_plays(
    story: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    broken = story.read_text(encoding="utf-8").replace("share = 2", "share = 0")
    (tmp_path / "broken.toml").write_text(broken, encoding="utf-8")
    (tmp_path / "broken_rules.toml").write_text("name = 5\n", encoding="utf-8")
    done = run(tmp_path, "simulate", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [("simulate", "small.toml", "-o", "out"), ("rules", "plot", "mmo60", "-o", "rules.svg")],
)
def test_without_matplotlib_a_picture_is_refused_in_one_sentence(
    story: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(tmp_path, *arguments, code=WITHOUT_MATPLOTLIB)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'questkeep[designer]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_matplotlib_the_terminal_is_drawn_to(story: Path, tmp_path: Path) -> None:
    arguments = ("simulate", "small.toml", "--players", "5", "--processes", "1")
    assert run(tmp_path, *arguments, code=WITHOUT_MATPLOTLIB).returncode == 0
    assert run(tmp_path, "rules", "plot", code=WITHOUT_MATPLOTLIB).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rules.svg", "rules.png"])
def test_rules_are_drawn_as_svg_and_png(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, "rules", "plot", str(RULES_FILE), "-o", name)
    assert (done.returncode, done.stderr) == (0, f"Written: {name}\n")
    _check_picture(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("rules.pdf", "rules.pdf ends in .pdf, expected one of .svg, .png."),
        ("none/rules.svg", "none/rules.svg cannot be written: No such file or directory."),
    ],
)
def test_a_picture_that_cannot_be_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    done = run(tmp_path, "rules", "plot", "-o", name)
    assert (done.returncode, done.stderr) == (2, sentence + "\n")


@pytest.mark.parametrize(
    "command", [("simulate",), *(("rules", one) for one in ("show", "check", "plot", "diff"))]
)
def test_help_has_an_example(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run(tmp_path, *command, "--help")
    assert done.returncode == 0
    assert f"Example: questkeep {' '.join(command)}" in done.stdout


def test_every_worked_story_has_its_picture_in_the_docs() -> None:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    for path in [*STORIES, RULES_FILE]:
        picture = PICTURES / f"{path.stem}.svg"
        _check_picture(picture)
        assert f"pictures/{picture.name}" in text


def _check_picture(path: Path) -> None:
    """A picture that is one: not empty, and not larger than the docs want."""
    assert 5_000 < path.stat().st_size < PICTURE_BYTES_MAX
    if path.suffix == ".png":
        with Image.open(path) as image:
            image.verify()
            assert min(image.size) > 500
        return
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert sum(1 for _ in root.iter("{http://www.w3.org/2000/svg}path")) > 20
    assert sum(1 for _ in root.iter("{http://www.w3.org/2000/svg}text")) > 20
