"""What TypeScript clients show before the answer: what the server decides, and the way back."""

import copy
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain.rules.document import rules_document
from tests.clients import prediction_kit, typescript_kit
from tests.domain.rules_kit import small
from tests.domain.table_kit import CASES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

HERE = Path(__file__).parent
Document = dict[str, Any]


@cache
def vectors(seed: int, count: int) -> tuple[str, ...]:
    return tuple(map(json.dumps, prediction_kit.vectors(seed, count)))


def held_to(seed: int, count: int, spoil: Callable[[Document], None] | None = None) -> Document:
    """What came of so many vectors; `spoil` changes the rules that the client is given."""
    documents = copy.deepcopy(prediction_kit.documents())
    for document in documents:
        if spoil is not None:
            spoil(document)
    lines = [json.dumps({"documents": documents}), *vectors(seed, count)]
    program = HERE / "prediction_child.mjs"
    done = subprocess.run(
        ("node", program, typescript_kit.built() / "dist"),
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    counts: Document = json.loads(done.stdout)
    assert counts["vectors"] == count
    return counts | {"first": done.stderr}


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.campaign)])
def test_a_client_predicts_what_the_server_decides(count: int) -> None:
    counts = held_to(1, count)
    assert counts["wrong"] == 0, counts["first"]
    assert counts["refused"] < count // 2
    assert counts["unknown"] < count // 50


def dearer_levels(document: Document) -> None:
    for level in document["level_benchmarks"]:
        level["xp_to_next"] += 1


def other_dice(document: Document) -> None:
    document["combat"]["roll_max_permille"] += 1


def other_loot(document: Document) -> None:
    for table in document["loot"].values():
        table["nothing"] += 1


def no_limit_of_a_plan(document: Document) -> None:
    document["penalties"]["over_budget"] = {"kind": "none"}


@pytest.mark.parametrize("spoil", [dearer_levels, other_dice, other_loot, no_limit_of_a_plan])
def test_vectors_tell_other_rules_apart(spoil: Callable[[Document], None]) -> None:
    assert held_to(1, 1_000, spoil)["wrong"] > 0


def played(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program beside this one, which is given small rules with loot."""
    loot = (CASES / "loot.toml").read_text(encoding="utf-8")
    return subprocess.run(
        ("node", HERE / name, typescript_kit.built() / "dist", *arguments),
        input=json.dumps({"rules": rules_document(small(loot))}),
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_predictions_are_settled_or_taken_back() -> None:
    done = played("view_child.mjs")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 8


@pytest.mark.parametrize("drops", [1_000, pytest.param(10_000, marks=pytest.mark.campaign)])
def test_nothing_shown_jumps_wherever_the_line_breaks(drops: int) -> None:
    done = played("drops_child.mjs", "1", str(drops))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cuts"] >= drops


def test_a_client_that_settles_nothing_is_found() -> None:
    done = played("drops_child.mjs", "1", "1000", "unsettled")
    assert "AssertionError" in done.stderr
