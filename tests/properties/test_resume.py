"""Whoever watches a user sees every version once and in order, whatever goes wrong meanwhile."""

import asyncio

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.messages.commands import Command
from questkeep_testing.strategies.commands import command_lists
from tests.properties.resume_steps_kit import STEPS, Step, every_watcher_sees_what_the_store_has


# Nothing is shrunk: the same steps may meet at other moments.
@settings(max_examples=60, phases=[Phase.explicit, Phase.generate])
@given(
    commands=command_lists(min_size=4, max_size=24),
    steps=st.lists(st.tuples(STEPS, st.integers(0, 12)), min_size=10, max_size=60),
)
def test_every_watcher_sees_what_the_store_has(commands: list[Command], steps: list[Step]) -> None:
    asyncio.run(every_watcher_sees_what_the_store_has(commands, steps))
