"""Campaigns on object storage: moto's server over HTTP, with faults in its answers.

Not for: races between hosts, which need a server that is exact.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.s3_kit import new_bucket, s3_server
from tests.torture.config import CampaignConfig

FLAKY = 0.03
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "anything"}


@contextlib.contextmanager
def s3_config(
    seed: int, failures: Path, flaky: float = FLAKY, **more: Any
) -> Iterator[CampaignConfig]:
    """A config whose stores are buckets of a server of its own."""
    with s3_server() as address:
        bucket = partial(new_bucket, address)
        more |= {"endpoint": address, "bucket": bucket, "environment": CREDENTIALS}
        yield CampaignConfig(seed, failures, flaky=flaky, **more)
