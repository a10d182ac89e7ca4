"""Object storage in this process: atomic under one lock, and failing on request in every known way.

`Objects` is the server, `FaultyBucket` one client's way to it.  Where moto looks and writes in two
steps, this one is exact, so races on it are races of ours.  No clock is involved: what takes long
waits for an event or for other tasks' turns.
"""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from enum import Enum, auto
from typing import Any

from persistence.objects.bucket import Bucket, BucketError, BucketObject, ConditionFailed, Tag
from persistence.objects.retries import Retrying
from persistence.objects.store import ObjectStore


class Fault(Enum):
    """What happens to one call instead of an answer."""

    REFUSED = auto()  # 500, 503, 429: nothing was done
    DENIED = auto()  # 403: nothing was done, and another try is no better
    ANSWER_LOST = auto()  # done, and a timeout or a 500 is what the caller hears
    OWN_CONFLICT = auto()  # done, sent again below us, and 409 or 412 is what the caller hears
    LATE = auto()  # a timeout is what the caller hears; done some time later, if it then can be


Faults = Callable[[str, str], Fault | None]
"""From an operation and a name to what goes wrong with this call."""


class Objects:
    """A server that keeps its conditions.  Subclasses are servers that do not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, int]] = {}
        self._tags = 0
        self.late: list[Callable[[], None]] = []
        self.calls = 0

    def get(self, name: str) -> BucketObject | None:
        with self._lock:
            self.calls += 1
            found = self._objects.get(name)
        return None if found is None else BucketObject(found[0], {"e_tag": str(found[1])})

    def create(self, name: str, content: bytes) -> None:
        with self._lock:
            self.calls += 1
            if name in self._objects:
                raise ConditionFailed(f"{name} exists")
            self._put(name, content)

    def replace(self, name: str, content: bytes, tag: Tag) -> None:
        with self._lock:
            self.calls += 1
            if name not in self._objects or str(self._objects[name][1]) != tag["e_tag"]:
                raise ConditionFailed(f"{name} changed")
            self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        self._tags += 1
        self._objects[name] = (content, self._tags)

    def names(self, folder: str, after: str, limit: int) -> list[str]:
        with self._lock:
            self.calls += 1
            here = (name for name in self._objects if name.startswith(folder + "/"))
            return sorted(name for name in here if name > after)[:limit]

    def delete(self, name: str) -> None:
        with self._lock:
            self._objects.pop(name, None)

    def all_names(self) -> list[str]:
        with self._lock:
            return sorted(self._objects)

    def damage(self, name: str, content: bytes) -> None:
        with self._lock:
            self._put(name, content)

    def let_late_ones_arrive(self, dice: random.Random | None = None) -> None:
        """Do some of the writes that were told to have timed out, in any order; or all of them."""
        if dice is not None:
            dice.shuffle(self.late)
        count = len(self.late) if dice is None else dice.randint(0, len(self.late))
        for write in [self.late.pop() for _ in range(count)]:
            try:
                write()
            except ConditionFailed:
                continue


class FaultyBucket(Bucket):
    """Implements `Bucket` over `Objects`.

    `turns` has each call wait for up to so many turns of other tasks, before and after.  `gates`
    hold calls of an operation until the event is set, before (`put`) or after (`put done`) it.
    """

    def __init__(
        self,
        objects: Objects,
        faults: Faults = lambda operation, name: None,
        dice: random.Random | None = None,
        turns: int = 1,
        page: int = 1000,
        delete_max: int = 1000,
    ) -> None:
        self.url = "s3://faulty"
        self.delete_max = delete_max
        self.gates: dict[str, asyncio.Event] = {}
        self.held = asyncio.Event()  # set while a call waits at a gate
        self._objects = objects
        self._faults = faults
        self._dice = random.Random(0) if dice is None else dice
        self._turns = turns
        self._page = page

    async def get(self, name: str) -> BucketObject | None:
        await self._call("get", name)
        found = self._objects.get(name)
        await self._turn()
        return found

    async def create(self, name: str, content: bytes) -> None:
        await self._write("create", name, lambda: self._objects.create(name, content))

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        await self._write("replace", name, lambda: self._objects.replace(name, content, tag))

    async def names(self, folder: str, after: str) -> AsyncIterator[Sequence[str]]:
        while True:
            await self._call("list", folder)
            page = self._objects.names(folder, after, self._page)
            await self._turn()
            yield page
            if len(page) < self._page:
                return
            after = page[-1]

    async def delete(self, names: Sequence[str]) -> None:
        """In any order, others between; a fault strikes when some are gone."""
        assert len(names) <= self.delete_max
        order = list(names)
        self._dice.shuffle(order)
        strikes_at = self._dice.randrange(len(order))
        for at, name in enumerate(order):
            if at == strikes_at:
                await self._call("delete", name)
            self._objects.delete(name)
            await self._turn()

    async def _write(self, operation: str, name: str, write: Callable[[], None]) -> None:
        fault = await self._call(operation, name)
        if fault is Fault.LATE:
            self._objects.late.append(write)
            raise BucketError("timed out", passing=True)
        write()
        await self._gate(f"{operation} done")
        await self._turn()
        if fault is Fault.ANSWER_LOST:
            raise BucketError("timed out", passing=True)
        if fault is Fault.OWN_CONFLICT:
            raise ConditionFailed(f"{name} exists already")

    async def _call(self, operation: str, name: str) -> Fault | None:
        await self._gate(operation)
        await self._turn()
        fault = self._faults(operation, name)
        if fault is Fault.DENIED:
            raise BucketError("403", passing=False)
        is_write = operation in ("create", "replace")
        if fault is Fault.REFUSED or (fault is not None and not is_write):
            raise BucketError("503", passing=True)
        return fault

    async def _gate(self, operation: str) -> None:
        if operation in self.gates:
            self.held.set()
            await self.gates[operation].wait()

    async def _turn(self) -> None:
        for _ in range(self._dice.randint(1, self._turns)):
            await asyncio.sleep(0)


def at_a_rate(rate: float, dice: random.Random, among: Sequence[Fault] | None = None) -> Faults:
    """Each call fails with this probability."""
    kinds = list(among or (Fault.REFUSED, Fault.ANSWER_LOST, Fault.OWN_CONFLICT, Fault.LATE))
    return lambda operation, name: dice.choice(kinds) if dice.random() < rate else None


def in_turn(operation: str, *faults: Fault | None) -> Faults:
    """The next calls of `operation` get these, one each; every later one succeeds."""
    left = list(faults)
    return lambda called, name: left.pop(0) if called == operation and left else None


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(0)


def open_store(
    bucket: Bucket, seed: int = 0, deadline_seconds: float = Retrying.deadline_seconds
) -> ObjectStore:
    """A store on `bucket` that does not wait between its tries."""
    dice = random.Random(seed)
    return ObjectStore(bucket, Retrying(deadline_seconds, pause=no_pause, dice=dice))


class Latency:
    """Lets answers arrive only once nobody can go on without them, and counts these rounds."""

    def __init__(self) -> None:
        self._arrival = asyncio.Event()
        self._awaited = False

    async def pass_by(self) -> None:
        """Return in the next round."""
        self._awaited = True
        await self._arrival.wait()

    async def rounds_of(self, work: Coroutine[Any, Any, Any]) -> int:
        """Do `work` to its end; how many rounds of answers it waited for, one after the other."""
        rounds, task = 0, asyncio.ensure_future(work)
        while not task.done():
            for _ in range(_TURNS_UNTIL_IDLE):
                await asyncio.sleep(0)
            if self._awaited:
                rounds += 1
                self._awaited, arrival, self._arrival = False, self._arrival, asyncio.Event()
                arrival.set()
        task.result()
        return rounds


_TURNS_UNTIL_IDLE = 20


class DistantBucket(FaultyBucket):
    """Each of its answers takes a round."""

    def __init__(self, objects: Objects, latency: Latency) -> None:
        super().__init__(objects)
        self._latency = latency

    async def _call(self, operation: str, name: str) -> Fault | None:
        await self._latency.pass_by()
        return await super()._call(operation, name)
