"""Power loss after any call of a scripted life: whatever of the unsynced is gone, nothing is lost.

P1 and P5, measured as R8.
"""

import random
from pathlib import Path

import pytest

from tests.persistence.disk.history_kit import Told, live, nothing_is_lost
from tests.persistence.disk.power_loss_kit import Disk
from tests.persistence.disk.recorded_os_kit import RecordingOs

TREES_PER_CALL = 10


async def lose_power_everywhere(folder: Path, trees_per_call: int) -> int:
    """Return how many trees were judged; raises at the first that lost something."""
    root = folder / "store"
    recorder = RecordingOs(root)
    told = Told(
        lambda acknowledged, attempted: recorder.log.append(("told", acknowledged, attempted))
    )
    with pytest.MonkeyPatch.context() as patch:
        recorder.install(patch)
        await live(root, told)
    dice, disk, trees = random.Random(11), Disk(root), 0
    acknowledged = attempted = 0
    for entry in recorder.log:
        if entry[0] == "told":
            acknowledged, attempted = entry[1:]
        disk.replay(entry)
        for _ in range(trees_per_call):
            trees += 1
            remains = folder / f"remains{trees}"
            disk.lose_power(dice, remains)
            nothing_is_lost(remains, acknowledged, attempted)
    return trees


async def test_power_loss_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    assert await lose_power_everywhere(tmp_path, TREES_PER_CALL) > 1000
