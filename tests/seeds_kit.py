"""The seeds of a failing test: what somebody needs to see the same failure again."""

import traceback
from types import TracebackType


def seeds_in(trace: TracebackType | None) -> list[int]:
    """Every integer called `seed` in the frames of a traceback, outermost first, each once."""
    frames = (frame for frame, _ in traceback.walk_tb(trace))
    found = (frame.f_locals.get("seed") for frame in frames)
    return list(dict.fromkeys(seed for seed in found if isinstance(seed, int)))
