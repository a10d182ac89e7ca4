"""Many players at once, on every CPU there is; the outcome does not depend on how many there are.

Each player's dice come from the seed and their own number, and what they did is added up, so it
makes no difference who played where and when.

Not for: one player's way (`player`).
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
from designer.simulation.script import Stage, set_stage
from designer.simulation.story_file import read_story
from designer.simulation.totals import SAMPLES, Tally
from domain.game.chapter_compiler import shares
from domain.rules.compiled_rules import compile_rules

PLAYERS_MAX = 100_000
CHUNK_TURNS = 40_000
"""About how many turns a worker plays before it tells; a second's work or less."""
PILOTS = 32
"""Players who go first: how long they take says how far apart the samples are."""
_STEPS = (1, 2, 5, 10, 15, 30)
"""Minutes between samples; beyond the last, whole hours."""

Progress = Callable[[int], None]
"""Told how many players more are through."""


class Task(Struct, frozen=True):
    """What is played: both files' texts, so that a worker can read them for itself."""

    story_text: str
    rules_text: str
    players: int
    seed: int

    def stage(self) -> Stage:
        """The stage; raises `InvalidStory` or `InvalidRules`."""
        return set_stage(read_story(self.story_text), compile_rules(self.rules_text))


class Played(Struct, frozen=True):
    """What came of it, and how long it took (`seconds` differ from run to run)."""

    tally: Tally
    step_seconds: int
    seconds: float


def cpus() -> int:
    """CPUs this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # there is none on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def kind_of(number: int, stage: Stage, players: int) -> int:
    """Which kind the player of this number is; every kind gets its share exactly."""
    parts = shares(players, [kind.share for kind in stage.story.players])
    return next(kind for kind, end in enumerate(accumulate(parts)) if number < end)


def play(task: Task, processes: int, progress: Progress = lambda count: None) -> Played:
    """Play the story with `task.players` players in this many processes.

    Raises:
        InvalidStory, InvalidRules: before anybody has played.
    """
    began = time.perf_counter()
    stage = task.stage()
    step_seconds, chunk = _rehearse(stage, task)
    chunks = [
        range(first, min(first + chunk, task.players)) for first in range(0, task.players, chunk)
    ]
    tally = Tally.empty(stage)
    for part in _parts(task, stage, chunks, step_seconds, min(processes, len(chunks))):
        tally.add(part)
        progress(sum(kind.players for kind in part.kinds))
    return Played(_in_order(tally), step_seconds, time.perf_counter() - began)


def _rehearse(stage: Stage, task: Task) -> tuple[int, int]:
    """Seconds between samples, and how many players make a chunk."""
    pilots = min(PILOTS, task.players)
    ways = [_player(stage, index * task.players // pilots, task).play() for index in range(pilots)]
    minutes = -(-max(way.timeline[-1][0] for way in ways) // (60 * SAMPLES))
    step = next((one for one in _STEPS if one >= minutes), -(-minutes // 60) * 60)
    turns = sum(way.turns for way in ways) // pilots
    return 60 * step, max(1, CHUNK_TURNS // turns)


def _parts(
    task: Task, stage: Stage, chunks: list[range], step_seconds: int, processes: int
) -> Iterator[Tally]:
    """The tally of each chunk, in whatever order they are done."""
    if processes <= 1:
        yield from (_play_chunk(stage, task, chunk, step_seconds) for chunk in chunks)
        return
    # A fresh interpreter each: a fork would copy whatever threads hold at this moment.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin_work, (task,)) as pool:
        left = iter(chunks)
        waiting: set[Future[Tally]] = set()
        while True:
            while len(waiting) < 2 * processes and (chunk := next(left, None)) is not None:
                waiting.add(pool.submit(_work, chunk, step_seconds))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


_stage_here: dict[Task, Stage] = {}
"""A worker's own stage: made once, used for every chunk."""


def _begin_work(task: Task) -> None:
    # States are plain trees, freed by counting references: looking for cycles finds none.
    gc.disable()
    _stage_here[task] = task.stage()


def _work(chunk: range, step_seconds: int) -> Tally:
    [(task, stage)] = _stage_here.items()
    return _play_chunk(stage, task, chunk, step_seconds)


def _play_chunk(stage: Stage, task: Task, chunk: range, step_seconds: int) -> Tally:
    tally = Tally.empty(stage)
    for number in chunk:
        kind = kind_of(number, stage, task.players)
        tally.count(kind, _player(stage, number, task).play(), step_seconds)
    return tally


def _player(stage: Stage, number: int, task: Task) -> Player:
    kind = stage.story.players[kind_of(number, stage, task.players)]
    return Player(stage, kind, number, task.seed)


def _in_order(tally: Tally) -> Tally:
    """Every list of single numbers in rising order: who came first does not matter any more."""
    for chapter in tally.chapters:
        chapter.actual_xp.sort()
        chapter.pseudo_levels.sort()
    for kind in tally.kinds:
        kind.finished_seconds.sort()
        for levels in kind.levels_at:
            levels.sort()
    for amounts in tally.goods.values():
        amounts.sort()
    return tally
