"""The CI workflow is one that its runner takes (actionlint, where Go and its proxy are there)."""

import subprocess
from pathlib import Path

import pytest

from tests.conformance.store_servers_kit import go_program

WORKFLOWS = Path(__file__).parents[1] / ".github" / "workflows"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_workflow_is_taken_and_a_mistake_in_it_is_not(tmp_path: Path) -> None:
    program = str(go_program(ACTIONLINT))
    files = sorted(WORKFLOWS.glob("*.yml"))
    assert files
    done = subprocess.run([program, *map(str, files)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(files[0].read_text(encoding="utf-8").replace("runs-on:", "runs-of:"))
    assert subprocess.run([program, str(wrong)], capture_output=True).returncode == 1
