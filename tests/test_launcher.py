"""Whatever lies around, the command line runs on this installation's own packages, or says why not.

Not for what Ray's workers import (`tests/end_to_end/test_surroundings.py`).
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

import questkeep_launcher
from questkeep_launcher import PACKAGES
from tests.architecture_rules import MAY_IMPORT

ROOT = Path(__file__).parents[1]
COMMAND = [str(Path(sys.executable).with_name("questkeep"))]
MODULE = [sys.executable, "-m", "cli"]
WITHOUT_A_SERVER = ["rules", "check", str(ROOT / "domain/rules/presets/default.toml")]


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*command, *WITHOUT_A_SERVER],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
    )


def lay_out(folder: Path, *, as_packages: bool, names: tuple[str, ...]) -> None:
    """A game's own modules: they must not be loaded, so they say it when they are."""
    for name in names:
        path = folder / (f"{name}/__init__.py" if as_packages else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"raise SystemExit('the game\\'s {name} was loaded')\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_led_nowhere_and_decide_nothing(
    tmp_path: Path, closed: str
) -> None:
    fine = run(["sh", "-c", f'"$0" "$@" {closed}', *COMMAND], tmp_path)
    assert fine.returncode == 0
    number_of_the_first_file = (
        "import os, questkeep_launcher; questkeep_launcher._open_standard_streams();"
        "os._exit(os.open(os.devnull, os.O_RDONLY))"
    )
    python = [sys.executable, "-c", number_of_the_first_file]
    first = run(["sh", "-c", f'"$0" "$@" {closed}', *python], tmp_path, PYTHONPATH=str(ROOT))
    assert first.returncode > 2


LOADING = """
import sys, types, questkeep_launcher
def wait():
    print("loading", flush=True)
    sys.stdin.read()
sys.modules["cli.main"] = types.SimpleNamespace(main=wait)
sys.argv = ["questkeep", *sys.argv[1:]]
questkeep_launcher.main()
"""


@pytest.mark.parametrize(
    ("command", "sent", "code"),
    [
        ("serve", [signal.SIGTERM], 0),
        ("serve", [signal.SIGINT], 0),
        ("serve", [signal.SIGHUP, signal.SIGTERM], 0),
        ("store", [signal.SIGTERM], -signal.SIGTERM),
    ],
)
def test_a_server_that_is_stopped_while_it_is_loaded_ends_in_order(
    tmp_path: Path, command: str, sent: list[signal.Signals], code: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", LOADING, command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "loading\n"
        for number in sent:
            child.send_signal(number)
        assert child.wait(20) == code
        assert child.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "taken"),
    [("1", "80"), ("79", "80"), ("80", "80"), ("120", "120")],
)
def test_a_width_that_nobody_can_read_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, columns: str, taken: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    questkeep_launcher._widen_tiny_terminals()
    assert os.environ["COLUMNS"] == taken


def test_at_any_width_a_table_is_one_for_eighty_columns(tmp_path: Path) -> None:
    narrow, usual = (
        subprocess.run(
            [*COMMAND, "rules", "show"],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": width},
            capture_output=True,
            text=True,
        ).stdout
        for width in ("1", "80")
    )
    assert narrow == usual


def test_the_launcher_knows_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = settings["tool"]["setuptools"]["packages"]["find"]["include"]
    assert set(PACKAGES) == set(MAY_IMPORT) == {name.removesuffix("*") for name in installed}


@pytest.mark.parametrize("name", ["random", "queue", "platform", "msgspec", "structlog", "typer"])
def test_modules_on_pythonpath_are_not_taken_for_those_of_this_environment(
    tmp_path: Path, name: str
) -> None:
    lay_out(tmp_path, as_packages=False, names=(name,))
    done = run(COMMAND, tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_what_only_pythonpath_has_is_still_found_there(tmp_path: Path) -> None:
    (tmp_path / "only_here.py").write_text("")
    look = (
        "import questkeep_launcher as launcher, subprocess, sys; launcher._look_here_first();"
        "import only_here; sys.exit(subprocess.call([sys.executable, '-c', 'import only_here']))"
    )
    places = os.pathsep.join((str(ROOT), str(tmp_path)))
    assert run([sys.executable, "-c", look], tmp_path, PYTHONPATH=places).returncode == 0


@pytest.mark.parametrize("as_packages", [False, True], ids=["modules", "packages"])
@pytest.mark.parametrize("where", ["current folder", "PYTHONPATH", "empty entry of PYTHONPATH"])
def test_a_game_with_modules_of_our_names_changes_nothing(
    where: str, as_packages: bool, tmp_path: Path
) -> None:
    lay_out(tmp_path, as_packages=as_packages, names=PACKAGES)
    variables = {
        "current folder": {},
        "PYTHONPATH": {"PYTHONPATH": str(tmp_path)},
        "empty entry of PYTHONPATH": {"PYTHONPATH": ":/nowhere"},
    }[where]
    done = run(COMMAND, tmp_path, **variables)
    assert (done.returncode, done.stderr) == (0, "")


def test_python_m_cli_loads_nothing_from_the_current_folder(tmp_path: Path) -> None:
    names = tuple(sorted({*PACKAGES, "typer", "random", "pydantic"} - {"cli"}))
    lay_out(tmp_path, as_packages=False, names=names)
    done = run(MODULE, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_of_our_name_that_was_loaded_first_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "domain.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("import domain\n")
    done = run(COMMAND, tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path}/domain.py was loaded before Questkeep's own" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """This Questkeep as `pip install` lays it into an environment."""
    site = tmp_path / "site-packages"
    site.mkdir()
    shutil.copy(ROOT / "questkeep_launcher.py", site)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, site / package)
    record = []
    for path in sorted(site.rglob("*.py")):
        digest = urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=")
        record.append(f"{path.relative_to(site)},sha256={digest.decode()},{path.stat().st_size}\n")
    metadata = site / "questkeep-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: questkeep\nVersion: 0.1.0\n")
    (metadata / "RECORD").write_text("".join(record))
    return site


@pytest.mark.parametrize("harm", ["replaced", "removed"])
def test_a_file_of_ours_that_another_package_replaced_is_refused_by_name(
    harm: str, installed: Path, tmp_path: Path
) -> None:
    start = [sys.executable, "-c", "from questkeep_launcher import main; main()"]
    assert run(start, tmp_path, PYTHONPATH=str(installed)).returncode == 0
    file = installed / "domain/rules/compiled_rules.py"
    file.write_text("theirs = True\n") if harm == "replaced" else file.unlink()
    done = run(start, tmp_path, PYTHONPATH=str(installed))
    assert done.returncode == 2
    assert f"{file} is not the file that Questkeep was installed with" in done.stderr
    assert "Traceback" not in done.stderr
