"""Types that clients generate: they compile strictly, and every reply of a whole story fits them.

openapi-typescript checks literals member by member (an undescribed one is an error); Python structs
decode each body and encode it again without losing anything.
"""

import asyncio
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.api.docs.openapi import openapi_document
from tests.generated_types import live_kit, story_kit
from tests.generated_types.generators_kit import generate_python, run, typescript_binaries
from tests.generated_types.rewrite_child import PYTHON_TYPES
from tests.generated_types.story_kit import Sample, Story

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TSC = "--strict --noEmit --noUncheckedIndexedAccess --exactOptionalPropertyTypes --skipLibCheck"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(_played(tmp_path_factory.mktemp("story")))


async def _played(folder: Path) -> Story:
    """Every answer of the story, and every frame of live connections."""
    story = await story_kit.play(folder)
    frames = [Sample("LiveServerFrame", frame) for frame in await live_kit.frames()]
    return Story(story.document, [*story.samples, *frames])


def test_the_story_has_a_reply_of_every_kind(story: Story) -> None:
    described = {
        operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for methods in story.document["paths"].values()
        for operation in methods.values()
        if "application/json" in operation["responses"]["200"]["content"]
    }
    kinds = {sample.schema for sample in story.samples} - {"LiveServerFrame"}
    assert {reference.rpartition("/")[2] for reference in described} | {"Problem"} == kinds
    assert len(story.samples) > 100


def test_live_connections_said_frames_of_these_types(story: Story) -> None:
    frames = [each.value for each in story.samples if each.schema == "LiveServerFrame"]
    said = {frame["type"] for frame in frames}
    assert said >= {"welcome", "state", "caught_up", "changes", "reply", "problem", "tick"}
    events = {event["type"] for frame in frames for event in frame.get("events", ())}
    assert len(events) >= 10


def test_typescript_types_compile_and_every_reply_fits_them(story: Story, tmp_path: Path) -> None:
    binaries = typescript_binaries()
    (tmp_path / "openapi.json").write_text(json.dumps(story.document), encoding="utf-8")
    run(binaries / "openapi-typescript", "openapi.json", "-o", "api.d.ts", folder=tmp_path)
    shutil.copy(Path(__file__).with_name("client.ts"), tmp_path)
    replies = "".join(
        f'export const reply{number}: components["schemas"]["{sample.schema}"] = '
        f"{json.dumps(sample.value)};\n"
        for number, sample in enumerate(story.samples)
    )
    header = 'import type { components } from "./api";\n'
    (tmp_path / "replies.ts").write_text(header + replies, encoding="utf-8")
    run(binaries / "tsc", *TSC.split(), "client.ts", "replies.ts", folder=tmp_path)


def test_python_types_pass_mypy_and_every_reply_survives_them(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_python(story.document, tmp_path / "generated_api.py")
    strict = ("-m", "mypy", "--strict", "--no-incremental", "--config-file", "/dev/null")
    run(sys.executable, *strict, "generated_api.py", folder=tmp_path)
    types = imported(tmp_path / "generated_api.py", monkeypatch)
    for sample in story.samples:
        for schema, value in parts(sample.schema, sample.value):
            decoded = msgspec.convert(value, getattr(types, schema), strict=True)
            assert msgspec.to_builtins(decoded) == value


def test_the_types_of_the_python_client_are_those_of_the_api(tmp_path: Path) -> None:
    generate_python(openapi_document(()), tmp_path / "api_types.py")
    committed = PYTHON_TYPES.read_text(encoding="utf-8")
    assert (tmp_path / "api_types.py").read_text(encoding="utf-8") == committed, "run `make types`"


def parts(schema: str, value: Any) -> list[tuple[str, Any]]:
    """The outcomes of a list one by one: they have no tag, but a problem has a code."""
    if schema not in ("ReplyOrOutcomes", "UserCommandOutcomes"):
        return [(schema, value)]
    outcomes = value if isinstance(value, list) else [value]
    reply = "UserReply" if schema == "UserCommandOutcomes" else "Reply"
    return [("Problem" if "code" in outcome else reply, outcome) for outcome in outcomes]


def imported(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module at `path`; msgspec looks its names up in `sys.modules`."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, path.stem, module)
    specification.loader.exec_module(module)
    return module
