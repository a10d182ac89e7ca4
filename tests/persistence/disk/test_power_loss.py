"""Power loss after any call of a scripted life: whatever of the unsynced is gone, nothing is lost.

P1 and P5, measured as R8.
"""

from pathlib import Path

import pytest

from tests.persistence.disk.power_loss_kit import lose_power_everywhere

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("trees_per_call", [3, pytest.param(10, marks=pytest.mark.campaign)])
async def test_power_loss_at_any_moment_loses_nothing_acknowledged(
    trees_per_call: int, tmp_path: Path
) -> None:
    assert await lose_power_everywhere(tmp_path, trees_per_call) > 100 * trees_per_call
