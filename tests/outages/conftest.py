"""One deployment for all tests of this folder: Ray takes longer to start than any of them."""

from collections.abc import Iterator

import pytest

from tests.outages.deployment_kit import Deployment


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    started = Deployment(tmp_path_factory.mktemp("outages"))
    yield started
    started.end()
