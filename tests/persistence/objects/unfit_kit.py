"""Servers that do not keep the conditions of writes, each in one known way."""

import random
from collections.abc import Callable

import pytest

from persistence.errors import UnfitStore
from persistence.objects.bucket import ConditionFailed, Tag
from persistence.open import probe
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store


class IgnoresIfNoneMatch(Objects):
    def create(self, name: str, content: bytes) -> None:
        self.damage(name, content)


class SaysNoAndWritesAllTheSame(Objects):
    def create(self, name: str, content: bytes) -> None:
        taken = self.get(name) is not None
        self.damage(name, content)
        if taken:
            raise ConditionFailed(name)


class IgnoresIfMatch(Objects):
    def replace(self, name: str, content: bytes, tag: Tag) -> None:
        self.damage(name, content)


class IgnoresIfMatchOnWhatIsGone(Objects):
    def replace(self, name: str, content: bytes, tag: Tag) -> None:
        if self.get(name) is None:
            self.damage(name, content)
        else:
            super().replace(name, content, tag)


class RefusesEveryReplace(Objects):
    def replace(self, name: str, content: bytes, tag: Tag) -> None:
        raise ConditionFailed(name)


class ListsLate(Objects):
    def names(self, folder: str, after: str, limit: int) -> list[str]:
        return []


async def gap(bucket: FaultyBucket) -> None:
    """What lies between look and write; others rarely come in it, as on a quick server."""
    if bucket._dice.random() < 0.1:
        await bucket._turn()


class LooksAndWritesInTwoSteps(FaultyBucket):
    """What moto does with threads, and gateways in front of a plain file system."""

    async def create(self, name: str, content: bytes) -> None:
        taken = self._objects.get(name) is not None
        await gap(self)
        if taken:
            raise ConditionFailed(name)
        self._objects.damage(name, content)


class LooksAndReplacesInTwoSteps(FaultyBucket):
    """S3Proxy over a file system: the tag is compared, and the new content moved in, apart."""

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        found = self._objects.get(name)
        await gap(self)
        if found is None or found.tag != tag:
            raise ConditionFailed(name)
        self._objects.damage(name, content)


UNFIT: dict[str, Callable[[], Objects]] = {
    "If-None-Match": IgnoresIfNoneMatch,
    "created an object where one stood": SaysNoAndWritesAllTheSame,
    "If-Match": IgnoresIfMatch,
    "that was gone": IgnoresIfMatchOnWhatIsGone,
    "refused to replace": RefusesEveryReplace,
    "did not list": ListsLate,
}


async def a_server_that_ignores_a_condition_is_refused(
    said: str, objects: Callable[[], Objects]
) -> None:
    """By the store's URL and by what it did."""
    with pytest.raises(UnfitStore, match=said) as caught:
        await probe(open_store(FaultyBucket(objects())))
    assert "s3://faulty" in str(caught.value)


async def every_two_step_server_is_refused() -> None:
    """Those that look first and write afterwards, each of ten times."""
    for bucket, said in (
        (LooksAndWritesInTwoSteps, "of 32 writers create one object"),
        (LooksAndReplacesInTwoSteps, "of 32 writers replace one object"),
    ):
        for seed in range(10):
            with pytest.raises(UnfitStore, match=said):
                await probe(open_store(bucket(Objects(), dice=random.Random(seed), turns=4)))
