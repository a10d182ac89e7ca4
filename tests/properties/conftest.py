"""A quick, repeatable Hypothesis profile, unless the command line names another.

`pytest --hypothesis-profile=default tests/properties` looks further, with other dice every time.
A busy machine fails no test: no profile has a deadline.
"""

import pytest
from hypothesis import HealthCheck, settings

QUICK = settings(derandomize=True, max_examples=50, database=None, print_blob=True)


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    asked = config.getoption("--hypothesis-profile", None)
    settings.register_profile(
        "patient",
        parent=settings.get_profile(asked) if asked else QUICK,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("patient")
