"""Limits: what one user may own, and how a command that would pass it is refused."""

import pytest

from domain.decide.dispatch import decide
from domain.decide.limits import Limits, over_limit
from domain.messages.decision import Decision
from domain.messages.rejections import Code
from domain.state.user_state import UserState
from tests.domain import script_kit, table_kit

# Under the limit of a kind that is set to 1, the rest as it comes.
LIMITED = """
kind         | given                                       | command                     | answer
-------------|---------------------------------------------|-----------------------------|-------
items        | offer q items.bow=1; set inventory.axe=1    | turn_in q                   | over
items        | offer q items.axe=1; set inventory.axe=1    | turn_in q                   | fits
currencies   | offer q currency.gold=1; set wallet.ore=1   | turn_in q                   | over
npcs         | offer q affinity.mei=-1; set affinity.ada=1 | turn_in q                   | over
npcs         | offer q affinity.ada=-1; set affinity.ada=1 | turn_in q                   | fits
chapters     | plan c                                      | plan d                      | over
chapters     | plan c                                      | plan c                      | fits
chapters     |                                             | story a quests=1 b quests=1 | over
quests       | offer q; turn_in q                          | offer r                     | over
quests       | offer q                                     | turn_in q                   | fits
open_quests  | offer q need=defeat:wolf:1                  | offer r                     | over
open_quests  | offer q; turn_in q                          | offer r                     | fits
open_quests  | offer q; abandon q                          | offer r                     | fits
open_objectives | offer q need=a:a:1                    | offer r need=a:b:1          | over
open_objectives | offer q need=a:a:1                    | offer r                     | fits
open_objectives | offer q need=a:a:1; abandon q         | offer r need=a:b:1          | fits
open_objectives | offer q need=a:a:1; signal a:a:1; turn_in q | offer r need=a:b:1    | fits
open_objectives | offer q need=a:a:1; signal a:a:1      | offer r need=a:b:1          | over
battles      | start b; escape b                           | start d                     | over
open_battles | start b                                     | start d                     | over
open_battles | start b; escape b                           | start d                     | fits
open_battles | start b                                     | escape b                    | fits
"""


def check(state: UserState, line: str, limits: Limits) -> str:
    decision = decide(state, script_kit.command(line), script_kit.NOW, script_kit.SMALL)
    assert isinstance(decision, Decision), decision
    refusal = over_limit(decision.changes, state, state.put(decision.changes), limits)
    if refusal is None:
        return "fits"
    assert refusal.code is Code.LIMIT_REACHED
    return refusal.detail


@pytest.mark.parametrize("row", table_kit.rows(LIMITED), ids=lambda row: " ".join(row.values()))
def test_a_command_that_would_pass_a_limit_is_refused_by_name(row: dict[str, str]) -> None:
    limits = Limits(**{f"{row['kind']}_max": 1})
    answer = check(script_kit.given(row["given"]), row["command"], limits)
    if row["answer"] == "fits":
        assert answer == "fits"
    else:
        assert answer.startswith(f"{row['kind']} would be 2 with this command, expected at most 1")
        assert answer.endswith(f"the setting {row['kind']}_max")


def test_who_is_over_a_limit_that_was_lowered_may_do_whatever_adds_no_row() -> None:
    state = script_kit.given("offer p; offer q; offer r; start b; start d")
    limits = Limits(open_quests_max=1, open_battles_max=1)
    assert check(state, "turn_in q", limits) == "fits"
    assert check(state, "abandon q", limits) == "fits"
    assert check(state, "escape b", limits) == "fits"
    assert check(state, "offer s", limits).startswith("open_quests would be 4")
