"""The object store keeps its whole contract on servers that nobody here wrote.

Those that cannot be installed here are skipped; `store_servers_kit` says why.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from persistence.errors import Unavailable
from persistence.objects import names
from persistence.objects.obstore_bucket import ObstoreBucket
from persistence.objects.retries import Calls, Retrying
from persistence.open import open_store, probe
from persistence.store import Store
from tests.conformance import store_journals_kit
from tests.conformance.store_kit import CHECKS, Check, Open
from tests.conformance.store_servers_kit import (
    INSTALL_SECONDS,
    StoreServer,
    azurite,
    fake_gcs,
    versitygw,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(INSTALL_SECONDS + 120)]
SERVERS = {"versitygw": versitygw, "azurite": azurite, "fake-gcs-server": fake_gcs}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[StoreServer]:
    with SERVERS[request.param]() as server:
        yield server


@pytest.fixture
def url(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, which this process finds by its environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server.new_bucket()


@pytest.fixture
async def open_again(url: str) -> AsyncIterator[Open]:
    opened = list[Store]()

    def open_again() -> Store:
        opened.append(open_store(url))
        return opened[-1]

    yield open_again
    for store in opened:
        await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_object_store_keeps_its_contract(
    check: Check, open_again: Open, url: str
) -> None:
    raced = (
        store_journals_kit.a_successor_reads_every_batch_that_was_acknowledged_while_it_took_over
    )
    if check is raced and url.startswith("gs:"):
        pytest.skip("a minute of races would show how fast the shim is")
    await check(open_again)


async def test_a_sound_server_passes_the_probe_and_keeps_nothing_of_it(open_again: Open) -> None:
    store = open_again()
    await probe(store)
    await probe(store)
    bucket = ObstoreBucket(store.url)
    assert [name async for page in bucket.names("probe", "") for name in page] == []


async def test_a_bucket_that_is_not_there_is_no_empty_store(url: str) -> None:
    store = open_store(f"{url.partition('://')[0]}://no-such-bucket/questkeep")
    for call in (store.read_snapshot("alice"), store.streams(), store.claim("users:1")):
        with pytest.raises(Unavailable, match=r"NoSuchBucket|ContainerNotFound"):
            await call


async def test_an_access_key_that_is_not_known_is_no_empty_store(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """versitygw answers 404, and not 403: users who are stored would be served as new ones."""
    if url.startswith("gs:"):
        pytest.skip("fake-gcs-server knows no keys")
    store = open_store(url)
    await store.write_snapshot("alice", 1, b"one")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "bm9ib2R5")
    rotated = open_store(url)
    for call in (rotated.read_snapshot("alice"), rotated.format(), rotated.streams()):
        with pytest.raises(Unavailable, match=r"XAdminUserNotFound|Authoriz|Authentic"):
            await call


async def test_names_are_listed_beyond_one_page_and_on_from_any(url: str) -> None:
    bucket = ObstoreBucket(url)
    calls = Calls(bucket, Retrying())
    written = [names.snapshot(f"user-{number}") for number in range(1_100)]
    for name in written:
        await bucket.create(name, b"")
    listed = await calls.names("snapshots")
    assert listed == sorted(written)
    assert await calls.names("snapshots", listed[50]) == listed[51:]


async def test_names_of_which_some_are_gone_are_deleted_in_portions(url: str) -> None:
    """Azure's bulk deletion fails at the first one that is gone, and used to fail for ever."""
    bucket = ObstoreBucket(url)
    written = [names.snapshot(f"user-{number}") for number in range(600)]
    for name in written[::2]:
        await bucket.create(name, b"")
    left = list(written)
    await Calls(bucket, Retrying()).delete(left)
    assert left == []
    assert [name async for page in bucket.names("snapshots", "") for name in page] == []
