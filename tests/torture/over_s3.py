"""Campaigns on object storage: moto's server over HTTP, or one that runs already, with faults in
its answers.

Not for: races between hosts, which need a server that is exact.
"""

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.s3_kit import environment, new_bucket, s3_server
from tests.torture.config import CampaignConfig

FLAKY = 0.03


@contextlib.contextmanager
def s3_config(
    seed: int, failures: Path, flaky: float = FLAKY, url: str | None = None, **more: Any
) -> Iterator[CampaignConfig]:
    """A config whose stores are buckets of a server of its own, or prefixes under `url`.

    A server that runs already is found by the environment, as Questkeep itself finds it.
    """
    if url is not None:
        prefix = f"{url.rstrip('/')}/torture-{secrets.token_hex(6)}"
        numbers = itertools.count(1)
        more |= {"bucket": lambda: f"{prefix}/{next(numbers)}"}
        yield CampaignConfig(seed, failures, flaky=flaky, **more)
        return
    with s3_server() as address:
        bucket = partial(new_bucket, address)
        more |= {"bucket": bucket, "environment": environment(address)}
        yield CampaignConfig(seed, failures, flaky=flaky, **more)
