"""Promises of the domain, each as one check: tests keep them, and every mutant breaks one."""

import copy

import pytest

from domain.decide import once
from domain.decide.dispatch import decide
from domain.decide.limits import Limits, over_limit
from domain.game import quests
from domain.messages.decision import Decision
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import QuestRecord
from domain.state.user_state import NOTHING, UserState
from tests.domain import script_kit, table_kit

# table -> the rules of what was given, and those the command is asked under
TABLES: dict[str, tuple[Rules, Rules]] = {
    **dict.fromkeys(
        ("levels", "chapters", "quests", "battles", "rewards", "signals", "profiles", "stories"),
        (script_kit.SMALL, script_kit.SMALL),
    ),
    "history": (script_kit.SMALL, script_kit.SMALL),
    "penalties": (script_kit.STRICT, script_kit.STRICT),
    "loot": (script_kit.LOOT, script_kit.LOOT),
    "loot_gone": (script_kit.LOOT, script_kit.SMALL),
    "rebase": (script_kit.SMALL, script_kit.STEEP),
}
TEXTS = {name: (table_kit.CASES / f"{name}.txt").read_text(encoding="utf-8") for name in TABLES}
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


def a_row_is_what_the_table_says(row: dict[str, str], earlier: Rules, rules: Rules) -> None:
    before = script_kit.given(row["given"], earlier)
    untouched = copy.deepcopy(before)

    answer = decide(before, script_kit.command(row["command"]), script_kit.NOW, rules)

    if row["answer"].startswith("!"):
        assert isinstance(answer, Rejection), script_kit.told(answer)
        code, _, words = row["answer"].removeprefix("! ").partition(": ")
        assert answer.code == code
        assert words in answer.detail
        after = before
    else:
        assert script_kit.told(answer) == row["answer"]
        after = before if answer.changes == NOTHING else before.put(answer.changes)
    assert script_kit.changed(answer) == row["rows"]
    assert before == untouched
    expected = [word.partition("=") for word in row["after"].split()]
    seen = [f"{path}={script_kit.look(after, path, rules)}" for path, _, _ in expected]
    assert seen == row["after"].split()


def the_table_says(table: str, case: str) -> None:
    """The row of a table by its name."""
    rows = {each["case"]: each for each in table_kit.rows(TEXTS[table])}
    a_row_is_what_the_table_says(rows[case], *TABLES[table])


def a_command_runs_where_receipts_reach_back(row: dict[str, str]) -> None:
    state = UserState("u", int(row["version"]), "e")
    first, _, last = row["held"].partition("-")
    versions = range(int(first), int(last) + 1) if first else ()
    receipts = Receipts(9, [Receipt(f"c{number}", b"", number, b"") for number in versions])
    refusal = once.receipt_gone("k", row["since"], state, receipts)
    assert ("runs" if refusal is None else "gone") == row["answer"]
    if refusal is not None:
        assert refusal.code is Code.RECEIPT_GONE
        assert row["since"] in refusal.detail


def since_says(case: str) -> None:
    """The row of `SINCE` by its name."""
    rows = {each["case"]: each for each in table_kit.rows(SINCE)}
    a_command_runs_where_receipts_reach_back(rows[case])


def objectives_of_open_quests_are_bounded() -> None:
    state = script_kit.given("offer q need=a:x:1; offer r need=a:x:1")
    command = script_kit.command("offer s need=a:y:1")
    decision = decide(state, command, script_kit.NOW, script_kit.SMALL)
    assert isinstance(decision, Decision)
    limits = Limits(open_objectives_max=2)
    refusal = over_limit(decision.changes, state, state.put(decision.changes), limits)
    assert refusal is not None
    assert refusal.code is Code.LIMIT_REACHED


def a_change_carries_the_stacks_that_changed() -> None:
    given = "offer q items.bow=1; set inventory.bow=2 inventory.axe=9 wallet.gold=4"
    decision = decide(
        script_kit.given(given), script_kit.command("turn_in q"), script_kit.NOW, script_kit.SMALL
    )
    assert isinstance(decision, Decision)
    assert (decision.changes.inventory, decision.changes.wallet) == ({"bow": 3}, {})


def a_signal_looks_at_no_other_quest() -> None:
    offers = (f"offer q{n} need=collect:herb-{n}:3 need=collect:wood-{n}:3" for n in range(200))
    state: UserState = script_kit.given("; ".join(offers))
    looked_at: list[str] = []
    record_signal = quests.record_signal

    def noted(quest: QuestRecord, *signal: object) -> QuestRecord:
        looked_at.append(quest.quest_id)
        return record_signal(quest, *signal)  # type: ignore[arg-type]

    signal = script_kit.command("signal collect:herb-7:1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quests, "record_signal", noted)
        decision = decide(state, signal, 1, script_kit.SMALL)
    assert isinstance(decision, Decision)
    assert [row.quest_id for row in decision.changes.quest_record] == looked_at == ["q7"]


def packed_receipts_are_found_until_they_leave_the_window() -> None:
    receipts = Receipts(40)
    made = [Receipt(f"c{version}", b"", version, b"x") for version in range(1, 101)]
    for receipt in made:
        receipts.add(receipt)
        receipts.confirm()
        if receipt.version % 7 == 0:
            receipts.pack()
    assert list(receipts) == made[60:]
    assert (len(receipts), receipts.oldest_version(100)) == (40, 61)
    assert [receipts.find(receipt.command_id) for receipt in made] == [None] * 60 + made[60:]


def ids_that_granted_are_known_when_their_receipts_are_packed() -> None:
    receipts = Receipts(0)
    state = script_kit.given("; ".join(f"grant 1 id=k{number}" for number in range(40)))
    for number, entry in enumerate(state.history):
        receipts.add(Receipt(entry.command_id, b"", number, b""), (entry,))
    receipts.pack()
    for _ in state.history:
        receipts.confirm()
    assert all(receipts.in_history(f"k{number}") for number in range(40))


def a_packed_state_is_the_same_state() -> None:
    script = "offer a items.bow=1; offer b need=x:y:2; turn_in a; start d; start e; escape e"
    state = script_kit.given("; ".join([script, *(f"grant {n}" for n in range(1, 40))]))
    packed = state.packed()
    assert packed == state
    assert packed.history._blocks
