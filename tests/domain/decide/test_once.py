"""At most once: what is refused because it ran, or may have run, before its receipt was gone."""

import pytest
from msgspec.structs import replace

from domain.decide.once import receipt_gone
from domain.messages.rejections import Code
from domain.state.receipts import Receipts
from domain.state.user_state import UserState
from tests.domain import script_kit, table_kit
from tests.domain.decide import promises_kit as promises


@pytest.mark.parametrize("row", table_kit.params(promises.SINCE))
def test_a_command_runs_only_where_receipts_reach_back_to_since(row: dict[str, str]) -> None:
    promises.a_command_runs_where_receipts_reach_back(row)


def test_without_since_only_the_history_is_asked() -> None:
    state = replace(UserState("u", 9), era="e")
    assert receipt_gone("k", None, state, Receipts(9)) is None


def test_an_id_that_the_history_names_is_not_taken_again() -> None:
    state = script_kit.given("grant 5 id=first")
    receipts = Receipts(0)
    receipts.remember_history(state.history)
    refusal = receipt_gone("first", None, state, receipts)
    assert refusal is not None
    assert (refusal.code, "first" in refusal.detail) == (Code.RECEIPT_GONE, True)
    assert receipt_gone("other", None, state, receipts) is None
