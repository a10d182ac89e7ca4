"""Every row of the tables in `cases/`: given a state, a command gives this answer and these rows.

The columns: `given` is what happened before, `command` what is asked, `answer` the events or
`! code: words of the sentence`, `rows` what changed, `after` some fields of the state afterwards.
"""

import pytest

from domain.decide.dispatch import decide
from domain.messages.commands import COMMAND_TYPES
from domain.messages.events import Event
from domain.messages.rejections import Code
from domain.rules.compiled_rules import Rules
from tests.domain import script_kit, table_kit
from tests.domain.decide import promises_kit as promises

ALL = [
    pytest.param(row, *promises.TABLES[name], id=f"{name}: {row['case']}")
    for name, text in promises.TEXTS.items()
    for row in table_kit.rows(text)
]
ROWS = [row for text in promises.TEXTS.values() for row in table_kit.rows(text)]


def test_no_two_rows_of_a_table_have_the_same_name() -> None:
    assert all(table_kit.params(text) for text in promises.TEXTS.values())


@pytest.mark.parametrize(("row", "earlier", "rules"), ALL)
def test_the_command_is_answered_and_changes_the_rows_as_the_table_says(
    row: dict[str, str], earlier: Rules, rules: Rules
) -> None:
    promises.a_row_is_what_the_table_says(row, earlier, rules)


@pytest.mark.parametrize(("row", "earlier", "rules"), ALL)
def test_the_same_command_on_the_same_state_is_answered_the_same(
    row: dict[str, str], earlier: Rules, rules: Rules
) -> None:
    state, command = script_kit.given(row["given"], earlier), script_kit.command(row["command"])
    first = decide(state, command, script_kit.NOW, rules)
    assert decide(state, command, script_kit.NOW, rules) == first


def test_every_command_type_has_a_row() -> None:
    asked = {script_kit.command_fields(row["command"])["type"] for row in ROWS}
    assert asked == COMMAND_TYPES


def test_every_event_class_has_a_row() -> None:
    seen = {event.split()[0] for row in ROWS for event in row["answer"].split(";")}
    tags = {event.__struct_config__.tag for event in Event.__subclasses__()}
    assert tags - seen == set()


def test_every_rejection_code_has_a_row() -> None:
    seen = {row["answer"].removeprefix("! ").partition(":")[0] for row in ROWS}
    # Whoever keeps the receipts looks them up and compares them, before the rules are asked.
    assert set(Code) - seen == {
        Code.COMMAND_ID_REUSED,
        Code.COMMAND_NOT_FOUND,
        Code.RECEIPT_GONE,
        Code.LIMIT_REACHED,
    }


def test_every_command_type_that_can_be_refused_is_refused_in_some_row() -> None:
    refused = {
        script_kit.command_fields(row["command"])["type"]
        for row in ROWS
        if row["answer"].startswith("!")
    }
    never = {"acknowledge_level_ups", "record_signal", "rebase_progression"}
    assert COMMAND_TYPES - refused == never


def test_only_codes_that_time_can_cure_are_transient() -> None:
    transient = {
        Code.QUEST_NOT_FOUND,
        Code.QUEST_NOT_READY,
        Code.BATTLE_NOT_FOUND,
        Code.CHAPTER_NOT_FOUND,
        Code.GRANT_NOT_FOUND,
        Code.COMMAND_NOT_FOUND,
        Code.LIMIT_REACHED,
    }
    assert {code for code in Code if code.transient} == transient
