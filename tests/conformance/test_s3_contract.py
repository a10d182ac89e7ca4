"""The object store keeps the whole contract over HTTP, on a server that speaks S3.

Not for races between hosts, which need a server that is exact (`faulty_object_store_kit`).
"""

from collections.abc import AsyncIterator

import pytest

from persistence.errors import Unavailable
from persistence.objects import names
from persistence.objects.bucket import BucketError
from persistence.objects.obstore_bucket import ObstoreBucket
from persistence.open import open_store, probe
from persistence.store import Store
from tests.conformance import store_journals_kit  # noqa: F401 - adds its checks to the list
from tests.conformance.store_kit import CHECKS, Check, Open
from tests.s3_kit import environment, new_bucket

pytestmark = pytest.mark.slow


@pytest.fixture
async def open_again(s3: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    for name, value in environment(s3).items():
        monkeypatch.setenv(name, value)
    url, opened = new_bucket(s3), list[Store]()

    def open_again() -> Store:
        opened.append(open_store(url))
        return opened[-1]

    yield open_again
    for store in opened:
        await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_object_store_keeps_its_contract_over_s3(check: Check, open_again: Open) -> None:
    await check(open_again)


async def test_a_sound_server_passes_the_probe_again_and_again(open_again: Open) -> None:
    for _ in range(2):
        await probe(open_again())
    assert await open_again().streams() == []


@pytest.mark.usefixtures("open_again")
async def test_a_bucket_that_is_not_there_is_no_empty_store() -> None:
    """Else every user would be taken for a new one."""
    store = open_store("s3://no-such-bucket/questkeep")
    with pytest.raises(Unavailable, match="no-such-bucket"):
        await store.read_snapshot("alice")
    with pytest.raises(Unavailable, match="no-such-bucket"):
        await store.streams()
    with pytest.raises(Unavailable, match="no-such-bucket"):
        await store.claim("users:1")


async def test_names_are_listed_beyond_one_page_and_on_from_any(open_again: Open) -> None:
    store = open_again()
    bucket = ObstoreBucket(store.url)
    ids = sorted(f"user-{i}" for i in range(1100))
    for user_id in ids:
        await bucket.create(names.snapshot(user_id), b"")
    assert sorted([user_id async for user_id in store.users()]) == ids
    everything = [name async for page in bucket.names("snapshots", "") for name in page]
    assert everything == sorted(everything)
    later = [name async for page in bucket.names("snapshots", everything[50]) for name in page]
    assert later == everything[51:]


async def test_a_batch_larger_than_one_part_is_still_one_conditional_write(
    open_again: Open,
) -> None:
    writer = await open_again().claim("users:1")
    payload = b"x" * 9_000_000
    assert await writer.append(payload) == 1
    assert [batch.payload async for batch in open_again().read(writer.id)] == [payload]


@pytest.mark.usefixtures("open_again")
async def test_plain_http_is_spoken_only_where_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    bucket = ObstoreBucket("s3://bucket")
    with pytest.raises(BucketError, match="AWS_ALLOW_HTTP") as caught:
        await bucket.get("name")
    assert not caught.value.passing


async def test_a_secret_never_stands_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's signatures are part of the address, which messages quote."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "anyone")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=verysecret")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", "https://127.0.0.1:1")
    bucket = ObstoreBucket("az://container/questkeep")
    for call in (bucket.get("name"), bucket.create("name", b""), bucket.delete(["name"])):
        with pytest.raises(BucketError) as caught:
            await call
        assert "secret" not in str(caught.value)
