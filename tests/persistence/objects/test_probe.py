"""Servers that ignore the conditions are found out at start, and refused by name (R11)."""

import json
import random
from collections.abc import Callable

import pytest

from persistence.errors import Corrupt, NewerFormat, Unavailable
from persistence.objects.bucket import BucketObject
from persistence.open import probe
from persistence.store_format import HEADER_NAME
from tests.faulty_object_store_kit import Fault, FaultyBucket, Objects, at_a_rate, open_store
from tests.persistence.objects.unfit_kit import (
    UNFIT,
    a_server_that_ignores_a_condition_is_refused,
    every_two_step_server_is_refused,
)


@pytest.mark.parametrize(("said", "objects"), UNFIT.items())
async def test_a_server_that_ignores_a_condition_is_refused(
    said: str, objects: Callable[[], Objects]
) -> None:
    await a_server_that_ignores_a_condition_is_refused(said, objects)


async def test_a_server_that_looks_and_writes_in_two_steps_is_refused_each_time() -> None:
    await every_two_step_server_is_refused()


async def test_a_sound_server_passes_and_keeps_only_its_identity() -> None:
    objects = Objects()
    for _ in range(3):
        await probe(open_store(FaultyBucket(objects)))
    assert objects.all_names() == [HEADER_NAME]


@pytest.mark.parametrize("seed", range(30))
async def test_a_sound_server_behind_a_bad_network_is_never_called_unfit(seed: int) -> None:
    dice = random.Random(seed)
    kinds = [Fault.REFUSED, Fault.ANSWER_LOST, Fault.OWN_CONFLICT]
    bucket = FaultyBucket(Objects(), at_a_rate(0.2, dice, kinds), dice, turns=3)
    await probe(open_store(bucket))


async def test_a_server_that_is_down_is_unavailable_and_not_unfit() -> None:
    with pytest.raises(Unavailable):
        await probe(open_store(FaultyBucket(Objects(), lambda *_: Fault.REFUSED)))


async def test_a_store_of_a_newer_questkeep_is_refused_by_name() -> None:
    """P9."""
    objects = Objects()
    objects.damage(HEADER_NAME, json.dumps({"questkeep_store_format": 2}).encode())
    with pytest.raises(NewerFormat, match="s3://faulty/STORE has format 2"):
        await probe(open_store(FaultyBucket(objects)))
    objects.damage(HEADER_NAME, b"something else")
    with pytest.raises(Corrupt, match="something else"):
        await probe(open_store(FaultyBucket(objects)))


async def test_stores_of_this_machine_need_no_probe() -> None:
    from persistence.memory import MemoryStore, World

    await probe(MemoryStore(World()))
    assert BucketObject(b"", {}).content == b""
