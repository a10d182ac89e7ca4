"""Runner: many playthroughs at once, on every CPU; the result is the same for any number of CPUs.

Each player's dice come from the seed and their own number, and what they did is added up, so it
makes no difference who played where and when.

Not for: one playthrough (`player`).
"""

import gc
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import accumulate
from multiprocessing import get_context

from msgspec import Struct

from designer.simulation.player import Player
from designer.simulation.script import CompiledStory, compile_story
from designer.simulation.story_file import read_story
from designer.simulation.totals import SAMPLES, Totals
from domain.game.chapter_compiler import shares
from domain.rules.compiled_rules import compile_rules

CHUNK_TURNS = 40_000
"""About how many turns a worker plays before it reports; a second's work or less."""
PILOT_RUNS = 32
"""Playthroughs of the calibration: their length says how far apart the samples are."""
_STEPS = (1, 2, 5, 10, 15, 30)
"""Minutes between samples; beyond the last, whole hours."""

Progress = Callable[[int], None]
"""Called with the number of players who finished since the last call."""


class Task(Struct, frozen=True):
    """One simulation: both files' texts, so that a worker process can compile them for itself."""

    story_text: str
    rules_text: str
    players: int
    seed: int

    def compile(self) -> CompiledStory:
        """The story compiled under the rules; raises `InvalidStory` or `InvalidRules`."""
        return compile_story(read_story(self.story_text), compile_rules(self.rules_text))


class Result(Struct, frozen=True):
    """The totals of all players, and how long it took (`seconds` differ from run to run)."""

    totals: Totals
    step_seconds: int
    seconds: float


def cpus() -> int:
    """CPUs this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # there is none on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def kind_of(number: int, compiled: CompiledStory, players: int) -> int:
    """Which kind the player of this number is; every kind gets its share exactly."""
    parts = shares(players, [kind.share for kind in compiled.story.players])
    return next(kind for kind, end in enumerate(accumulate(parts)) if number < end)


def play(task: Task, processes: int, progress: Progress = lambda count: None) -> Result:
    """Play the story with `task.players` players in this many processes.

    Raises:
        InvalidStory, InvalidRules: before anybody has played.
    """
    began = time.perf_counter()
    compiled = task.compile()
    step_seconds, chunk = _calibrate(compiled, task)
    chunks = [
        range(first, min(first + chunk, task.players)) for first in range(0, task.players, chunk)
    ]
    totals = Totals.empty(compiled)
    for part in _parts(task, compiled, chunks, step_seconds, min(processes, len(chunks))):
        totals.merge(part)
        progress(sum(kind.players for kind in part.kinds))
    return Result(_in_order(totals), step_seconds, time.perf_counter() - began)


def _calibrate(compiled: CompiledStory, task: Task) -> tuple[int, int]:
    """Seconds between samples, and how many players make a chunk."""
    pilots = min(PILOT_RUNS, task.players)
    playthroughs = [
        _player(compiled, index * task.players // pilots, task).play() for index in range(pilots)
    ]
    minutes = -(-max(playthrough.timeline[-1][0] for playthrough in playthroughs) // (60 * SAMPLES))
    step = next((nice for nice in _STEPS if nice >= minutes), -(-minutes // 60) * 60)
    turns = sum(playthrough.turns for playthrough in playthroughs) // pilots
    return 60 * step, max(1, CHUNK_TURNS // turns)


def _parts(
    task: Task, compiled: CompiledStory, chunks: list[range], step_seconds: int, processes: int
) -> Iterator[Totals]:
    """The totals of each chunk, in whatever order they are done."""
    if processes <= 1:
        yield from (_play_chunk(compiled, task, chunk, step_seconds) for chunk in chunks)
        return
    # A fresh interpreter each: a fork would copy whatever threads hold at this moment.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin_work, (task,)) as pool:
        left = iter(chunks)
        waiting: set[Future[Totals]] = set()
        while True:
            while len(waiting) < 2 * processes and (chunk := next(left, None)) is not None:
                waiting.add(pool.submit(_work, chunk, step_seconds))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


_compiled_here: dict[Task, CompiledStory] = {}
"""A worker's own compiled story: made once, used for every chunk."""


def _begin_work(task: Task) -> None:
    # States are plain trees, freed by counting references: looking for cycles finds none.
    gc.disable()
    _compiled_here[task] = task.compile()


def _work(chunk: range, step_seconds: int) -> Totals:
    [(task, compiled)] = _compiled_here.items()
    return _play_chunk(compiled, task, chunk, step_seconds)


def _play_chunk(compiled: CompiledStory, task: Task, chunk: range, step_seconds: int) -> Totals:
    totals = Totals.empty(compiled)
    for number in chunk:
        kind = kind_of(number, compiled, task.players)
        totals.count(kind, _player(compiled, number, task).play(), step_seconds)
    return totals


def _player(compiled: CompiledStory, number: int, task: Task) -> Player:
    kind = compiled.story.players[kind_of(number, compiled, task.players)]
    return Player(compiled, kind, number, task.seed)


def _in_order(totals: Totals) -> Totals:
    """Every list of single numbers in rising order: who came first does not matter any more."""
    for chapter in totals.chapters:
        chapter.actual_xp.sort()
        chapter.pseudo_levels.sort()
    for kind in totals.kinds:
        kind.finished_seconds.sort()
        for levels in kind.levels_at:
            levels.sort()
    for amounts in totals.goods.values():
        amounts.sort()
    return totals
