"""Commands of a page take effect once, however often it is reloaded before they are answered."""

from pathlib import Path

import pytest

from tests.outages.page_kit import reloads, twice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


async def test_commands_of_a_page_that_is_reloaded_take_effect_once(tmp_path: Path) -> None:
    effects, answered = await reloads(tmp_path, rounds=1, since=True)
    assert twice(effects) == []
    assert all(effects[command_id] == 1 for command_id in answered)


@pytest.mark.campaign
async def test_a_page_that_forgets_since_has_some_take_effect_twice(tmp_path: Path) -> None:
    effects, _ = await reloads(tmp_path, rounds=2, since=False)
    assert twice(effects)
