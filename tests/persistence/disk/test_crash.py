"""kill -9 of a real process at every named step: every acknowledged batch is there afterwards."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from persistence import failpoints
from tests.persistence.disk.history_kit import nothing_is_lost

pytestmark = pytest.mark.kills

ARRIVALS = range(1, 21)
SIDE_BY_SIDE = 4


@pytest.mark.parametrize("step", failpoints.STORE_FAILPOINTS)
def test_a_process_killed_at_a_step_loses_nothing_acknowledged(step: str, tmp_path: Path) -> None:
    for begin in range(0, len(ARRIVALS), SIDE_BY_SIDE):
        arrivals = ARRIVALS[begin : begin + SIDE_BY_SIDE]
        children = [_start(tmp_path / str(arrival), step, arrival) for arrival in arrivals]
        for arrival, child in zip(arrivals, children, strict=True):
            told = child.communicate(timeout=60)[0].split()
            assert child.returncode == -signal.SIGKILL
            acknowledged, attempted = _last(told, b"acknowledged"), _last(told, b"attempted")
            assert attempted > 0
            nothing_is_lost(tmp_path / str(arrival), acknowledged, attempted)


def _start(root: Path, step: str, arrival: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.persistence.disk.crash_child", str(root), step, str(arrival)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
    )


def _last(told: list[bytes], word: bytes) -> int:
    numbers = [
        int(number) for key, number in zip(told[::2], told[1::2], strict=True) if key == word
    ]
    return max(numbers, default=0)
