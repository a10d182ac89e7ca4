"""At most once: what is refused because it ran, or may have run, before its receipt was gone."""

import pytest
from msgspec.structs import replace

from domain.decide.once import receipt_gone
from domain.messages.rejections import Code
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import UserState
from tests.domain import script_kit, table_kit

# The receipts are those of the versions `held`; `since` is what the command names.
SINCE = """
case                                     | version | held | since | answer
-----------------------------------------|---------|------|-------|-------
nothing was ever done                    | 0       | -    | e.0   | runs
the newest version                       | 9       | 5-9  | e.9   | runs
the one before the oldest receipt        | 9       | 5-9  | e.4   | runs
one version earlier a receipt is missing | 9       | 5-9  | e.3   | gone
the very first, and receipts since then  | 3       | 1-3  | e.0   | runs
no receipt is held any more              | 9       | -    | e.8   | gone
none is held, and none is missing        | 9       | -    | e.9   | runs
another era                              | 9       | 5-9  | f.9   | gone
another era, before anything was done    | 0       | -    | f.0   | gone
a version that was never reached         | 9       | 5-9  | e.10  | gone
"""


@pytest.mark.parametrize("row", table_kit.params(SINCE))
def test_a_command_runs_only_where_receipts_reach_back_to_since(row: dict[str, str]) -> None:
    state = UserState("u", int(row["version"]), "e")
    first, _, last = row["held"].partition("-")
    versions = range(int(first), int(last) + 1) if first else ()
    receipts = Receipts(9, [Receipt(f"c{number}", b"", number, b"") for number in versions])
    refusal = receipt_gone("k", row["since"], state, receipts)
    assert ("runs" if refusal is None else "gone") == row["answer"]
    if refusal is not None:
        assert refusal.code is Code.RECEIPT_GONE
        assert row["since"] in refusal.detail


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
