"""Who names a bucket without credentials is told so before anything is asked for."""

import pytest

from persistence.objects.credentials import warning


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/questkeep", "AWS_ACCESS_KEY_ID"),
        ("gs://bucket/questkeep", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://container/questkeep", "AZURE_STORAGE_ACCOUNT_KEY"),
    ],
)
def test_a_bucket_without_credentials_is_pointed_out(url: str, name: str) -> None:
    said = warning(url, {"PATH": "/bin", name: ""})
    assert said is not None
    assert f"no {name} in the environment" in said
    assert url in said
    assert warning(url, {name: "something"}) is None


@pytest.mark.parametrize("url", ["file:///srv/questkeep", "memory://"])
def test_a_store_of_this_machine_needs_none(url: str) -> None:
    assert warning(url, {}) is None
