"""Hypothesis strategies: rules, and states that some sequence of commands leads to under them.

Not for: the commands (`questkeep_testing.strategies.commands`).
"""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec.structs import replace

from domain.decide.dispatch import decide
from domain.game.progression import grant_player_progression_experience, progression_of
from domain.messages.commands import Command, decode_command
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.rules.load import preset_text
from domain.state.persistent_map import PersistentMap
from domain.state.rows import INTEGER_MAX, ChapterProgression, PlayerProgression, Source
from domain.state.user_state import NOTHING, UserState
from questkeep_testing.strategies.commands import GOODS, amounts, chapter_plans, command_lists

_LOOT = """
[loot.chest]
guaranteed = [{ item = "sword" }, { affinity = "mei", amount = [-3, 3] }]

[loot.wolf]
rolls = [1, 3]
nothing = 2
drops = [
  { currency = "gold", weight = 3, amount = [1, 1_000_000_000_000] },
  { item = "sword", weight = 1 },
]
"""
_TEXT = preset_text().replace(
    "experience_permille = 5000", 'experience_permille = 5000\nloot = "chest"'
)
_TEXT += _LOOT
RULES: Rules = compile_rules(_TEXT)
"""The default rules, and loot."""
MODIFYING: Rules = compile_rules(
    _TEXT.replace('kills = { kind = "none" }', 'kills = { kind = "ratio" }')
    .replace('quests = { kind = "none" }', 'quests = { kind = "grey_quest" }')
    .replace('repeat]\nkind = "none"', 'repeat]\nkind = "decay"\nsteps = 3')
    .replace('over_budget]\nkind = "none"', 'over_budget]\nkind = "decay"')
)
"""The same with every rule on that shapes experience."""
rulesets: SearchStrategy[Rules] = st.sampled_from([RULES, MODIFYING])


def full_state(user_id: str = "u") -> UserState:
    """A user whose total is near the limit of 53 bits."""
    row = progression_of(UserState(user_id), RULES)
    full = grant_player_progression_experience(row, INTEGER_MAX - 5_000, Source.SERVICE, 1, RULES)
    assert isinstance(full, PlayerProgression)
    goods = {GOODS[0]: INTEGER_MAX - 3, GOODS[1]: -INTEGER_MAX + 3}
    held = {GOODS[0]: INTEGER_MAX - 3}
    return replace(
        UserState(user_id),
        player_progression=full,
        inventory=PersistentMap(held),
        wallet=PersistentMap(held),
        affinity=PersistentMap(goods),
    )


starts: SearchStrategy[UserState] = st.builds(UserState, st.just("u")) | st.builds(full_state)
"""States to start a sequence in: a new user, and one near every limit."""


def played(state: UserState, commands: Sequence[Command], rules: Rules = RULES) -> UserState:
    """The state after `commands`, one microsecond apart; refusals change nothing."""
    for now, command in enumerate(commands, start=1):
        answer = decide(state, command, now, rules)
        if not isinstance(answer, Rejection) and answer.changes != NOTHING:
            state = state.put(answer.changes)
    return state


@st.composite
def _chapter_rows(draw: DrawFn) -> ChapterProgression:
    """A plan that was written, and whatever its ledger may have become."""
    fields = {"command_id": "k", "type": "upsert_chapter_progression", **draw(chapter_plans())}
    state = played(UserState("u"), [decode_command(fields)])
    row = state.chapters[fields["chapter_id"]]
    return replace(
        row,
        actual_quest_xp=draw(amounts),
        actual_hostile_xp=draw(amounts),
        actual_hostile_defeat_count=draw(st.integers(0, 60)),
    )


chapter_rows: SearchStrategy[ChapterProgression | None] = st.none() | _chapter_rows()

user_states: SearchStrategy[UserState] = st.builds(played, starts, command_lists())
"""States that some sequence of commands leads to."""
