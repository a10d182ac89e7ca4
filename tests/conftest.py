"""What every test gets. Not for fixtures that only one folder needs."""

import gc
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.s3_kit import s3_server
from tests.seeds_kit import seeds_in

# Runs a project of its own in a folder of its own.
pytest_plugins = ("pytester",)

# Loaded here, since tests take their settings when they are defined. `--hypothesis-profile=long`
# looks further, with other dice every time. A busy machine fails no test: there is no deadline.
settings.register_profile(
    "quick",
    derandomize=True,
    max_examples=50,
    database=None,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    max_examples=1_000,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("quick")


# The collector looks through everything that pytest holds of thousands of tests, again and again.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def garbage_is_collected_as_before() -> Iterator[None]:
    """A host in the tests' own process tunes the collector of all tests that follow.

    Hypothesis, for one, takes what was frozen for garbage.
    """
    callbacks, thresholds = list(gc.callbacks), gc.get_threshold()
    yield
    gc.callbacks[:] = callbacks
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server for every test that takes a bucket of its own there."""
    with s3_server() as address:
        yield address


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Iterator[None]:
    """A failing test prints the seeds that it came through, in a section of its own."""
    report = yield
    if call.excinfo is not None and (seeds := seeds_in(call.excinfo.tb)):
        report.sections.append(("Seeds", ", ".join(map(str, seeds))))
    return report


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Whatever a test made of the log's configuration ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _no_ray_unless_marked(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Keep tests without the mark `ray` from starting a cluster: it takes seconds and processes.

    Ray is slow to import, so a test that does not use it must not pay for it: `ray.init` is
    blocked where Ray is imported already, and a test that imports it by itself is found out
    afterwards.
    """
    if request.node.get_closest_marker("ray"):
        yield
        return

    def refuse(*args: object, **kwargs: object) -> None:
        pytest.fail("this test starts Ray: mark it `@pytest.mark.ray`, or use the local cluster")

    before = sys.modules.get("ray")
    started = before is not None and before.is_initialized()
    if before is not None:
        monkeypatch.setattr(before, "init", refuse)
    yield
    after = sys.modules.get("ray")
    if after is not None and after.is_initialized() and not started:
        after.shutdown()
        refuse()
