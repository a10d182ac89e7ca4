"""`questkeep conformance` as whoever types it sees it."""

import json
import shlex
import sys

import pytest
from typer.testing import CliRunner

from cli.main import cli

CASE = "a_service_connects_to_the_line_of_many_users"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--client", "no-such-program"], "'no-such-program' cannot be started: No such file"),
        (["--client", "'"], "cannot be started: No closing quotation."),
        (["--client", "cat", "--case", CASE[:-1]], f"did you mean {CASE}?"),
        (["--client", "cat", "--case", "zzz"], "a run without --case names them all."),
    ],
)
def test_what_cannot_be_played_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli, ["conformance", *arguments])
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_the_outcome_can_be_read_by_programs() -> None:
    client = f"{shlex.quote(sys.executable)} -m questkeep_client.conformance"
    arguments = ["conformance", "--client", client, "--case", CASE, "--json"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "held": 1,
        "of": 1,
        "cases": [{"case": CASE, "failure": None}],
    }
