"""From URLs to stores, and what is said about one that names none."""

from pathlib import Path

import pytest

from persistence.disk.store import DiskStore
from persistence.memory import MemoryStore
from persistence.objects.store import ObjectStore
from persistence.open import BadStoreUrl, file_root, open_store
from tests.persistence.disk.history_kit import found


async def test_a_file_url_opens_a_disk_store_and_makes_nothing(tmp_path: Path) -> None:
    store = open_store((tmp_path / "a b%").as_uri())
    assert isinstance(store, DiskStore)
    assert store.url == (tmp_path / "a b%").as_uri()
    assert found(tmp_path, "*") == []
    await store.write_snapshot("alice", 1, b"one")
    assert (tmp_path / "a b%" / "STORE").exists()
    await store.close()


async def test_two_memory_urls_of_one_name_share_their_users() -> None:
    await open_store("memory://test-open").write_snapshot("alice", 1, b"one")
    again = open_store("memory://test-open")
    assert isinstance(again, MemoryStore)
    assert await again.read_snapshot("alice") is not None
    assert await open_store("memory://").read_snapshot("alice") is None


BAD = {
    "": "file:///absolute/folder",
    "data": "file:///absolute/folder",
    "/srv/data": "file:///absolute/folder",
    "redis://localhost": "file:///absolute/folder",
    "file://": "file:///absolute/folder",
    "file:///": "the folder not being /",
    "file:data": "file:///absolute/folder",
    "file:/srv/data": "file:///absolute/folder",
    "file://data/store": "three slashes",
    "file:///srv/data?x=1": "no '?'",
    "file:///srv/da%00ta": "no zero byte",
    "s3://": "s3://bucket/questkeep",
    "s3:///prefix": "s3://bucket/questkeep",
    "s3://bucket/a//b": "s3://bucket/questkeep",
    "s3://bucket/a/../b": "s3://bucket/questkeep",
    "s3://bucket/a?endpoint=b": "s3://bucket/questkeep",
    "gs://bucket/a b": "gs://bucket/questkeep",
    "az://bucket/#a": "az://bucket/questkeep",
}


@pytest.mark.parametrize(("url", "said"), BAD.items())
def test_a_bad_url_is_told_what_is_expected(url: str, said: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        open_store(url)
    assert repr(url) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_root_is_asked_of_a_file_url_only() -> None:
    assert file_root("file://localhost/srv/quest%20keep") == Path("/srv/quest keep")
    with pytest.raises(BadStoreUrl):
        file_root("memory://x")


@pytest.mark.parametrize("url", ["s3://bucket", "s3://b.c-d_e/questkeep/prod", "gs://bucket/a/"])
def test_a_bucket_url_opens_an_object_store_and_calls_nobody(url: str) -> None:
    store = open_store(url)
    assert isinstance(store, ObjectStore)
    assert store.url == url.rstrip("/")


def test_a_container_whose_owner_is_not_named_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(BadStoreUrl, match=r"az://container/questkeep.*[Aa]ccount"):
        open_store("az://container/questkeep")


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(BadStoreUrl, match="AWS_ACCESS_KEY_ID") as caught:
        open_store("s3://key:verysecret@bucket/questkeep")
    assert "verysecret" not in str(caught.value)
