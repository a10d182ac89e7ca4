"""Who names a bucket without credentials is told so before anything is asked for."""

import pytest

from gateway import settings
from gateway.settings import credentials_warning


@pytest.fixture(autouse=True)
def _without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in settings._CREDENTIALS.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/questkeep", "AWS_ACCESS_KEY_ID"),
        ("gs://bucket/questkeep", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://container/questkeep", "AZURE_STORAGE_ACCOUNT_KEY"),
    ],
)
def test_a_bucket_without_credentials_is_pointed_out(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warning = credentials_warning(url)
    assert warning is not None
    assert f"no {name} in the environment" in warning
    assert url in warning
    monkeypatch.setenv(name, "something")
    assert credentials_warning(url) is None


@pytest.mark.parametrize("url", ["file:///srv/questkeep", "memory://"])
def test_a_store_of_this_machine_needs_none(url: str) -> None:
    assert credentials_warning(url) is None
