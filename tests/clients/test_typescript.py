"""The TypeScript client: the kit in Node and in a browser, its size, its types, its package."""

import gzip
import re
from pathlib import Path

import pytest

from cli.conformance import order_cases, outbox_cases
from cli.conformance.client_under_test import ClientUnderTest, Start, started_by
from cli.conformance.run import CASES, Outcome, run
from cli.conformance.trial import Case
from gateway.api.docs.openapi import openapi_document
from tests.clients import typescript_kit
from tests.clients.chromium_kit import PageUnderTest, chromium
from tests.generated_types.generators_kit import generate_typescript
from tests.generated_types.rewrite_child import TYPESCRIPT_TYPES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# Bytes with gzip; what peers need is 7,800 to 57,900.
SIZES = {"index.ts": 8_000, "msgpack.ts": 7_000, "predict.ts": 6_000, "react.ts": 1_500}


SOME = [*order_cases.CASES, *outbox_cases.CASES]


def fallen(outcomes: list[Outcome]) -> list[str]:
    assert len(outcomes) in (len(CASES), len(SOME))
    return [f"{one.name}: {one.failure}" for one in outcomes if one.failure]


def in_node(form: str) -> Start:
    program = typescript_kit.built() / "dist" / "conformance.js"
    return started_by(f"{typescript_kit.node_command()} {program} {form}")


async def test_it_keeps_order_and_takes_effect_once_in_node() -> None:
    assert fallen(await run(in_node("msgpack"), SOME)) == []


@pytest.mark.campaign
@pytest.mark.parametrize("form", ["json", "msgpack"])
async def test_it_keeps_every_case_in_node(form: str) -> None:
    assert fallen(await run(in_node(form))) == []


@pytest.mark.parametrize(
    "cases",
    [pytest.param(CASES, marks=pytest.mark.campaign), order_cases.CASES],
    ids=["all", "some"],
)
async def test_it_keeps_the_cases_in_a_browser(cases: tuple[Case, ...], tmp_path: Path) -> None:
    bundle = typescript_kit.kit_bundle(tmp_path)
    async with chromium() as browser:

        async def start() -> ClientUnderTest:
            return await PageUnderTest.open(browser, bundle, "json")

        outcomes = await run(start, cases)
    assert len(outcomes) == len(cases)
    assert [f"{one.name}: {one.failure}" for one in outcomes if one.failure] == []


@pytest.mark.parametrize("entry", SIZES)
def test_it_stays_small(entry: str, tmp_path: Path) -> None:
    options = ("--format=esm", "--external:react")
    content = typescript_kit.bundle(entry, tmp_path / "bundle.js", *options).read_bytes()
    assert len(gzip.compress(content, 9)) <= SIZES[entry]


def test_its_types_are_those_of_the_api(tmp_path: Path) -> None:
    generate_typescript(openapi_document(()), tmp_path / "api.ts")
    committed = TYPESCRIPT_TYPES.read_text(encoding="utf-8")
    assert (tmp_path / "api.ts").read_text(encoding="utf-8") == committed, "run `make types`"


def test_no_public_type_is_any() -> None:
    declarations = list((typescript_kit.built() / "dist").rglob("*.d.ts"))
    assert len(declarations) > 10
    found = [
        f"{path.name}: {line.strip()}"
        for path in declarations
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"[:<|] ?any\b", line) and not line.strip().startswith("*")
    ]
    assert found == []


def test_its_package_runs_in_an_empty_project(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    typescript_kit.install_packed(tmp_path)
    (tmp_path / "use.ts").write_text(USE, encoding="utf-8")
    options = "--strict --noEmit --module nodenext --target es2022 --lib es2022,dom".split()
    typescript_kit.run(typescript_kit.tool("tsc"), *options, "use.ts", folder=tmp_path)
    (tmp_path / "use.mjs").write_text(RUN, encoding="utf-8")
    printed = typescript_kit.run("node", "use.mjs", folder=tmp_path)
    assert printed.split() == ["TypeError", "json", "msgpack"]


USE = """
import { connect, Problem, type QuestRecord } from "@questkeep/client";
import { msgpack } from "@questkeep/client/msgpack";
const qk = connect("https://game.example", { getToken: () => "t", format: msgpack });
const me = qk.user("me");
const level: number | undefined = me.progression?.level;
const quests: readonly QuestRecord[] = me.quests.active;
const off: () => void = me.on("level_reached", (event) => console.log(event.level + 1));
// @ts-expect-error: there is no such event
me.on("level_lost", () => undefined);
try {
  await me.fight("b-1").attack();
} catch (error) {
  if (error instanceof Problem && error.code === "battle_over") console.log(error.retry);
  // @ts-expect-error: there is no such code
  if (error instanceof Problem && error.code === "battle_lost") console.log(error.retry);
}
export { level, quests, off };
"""

RUN = """
import { connect, json } from "@questkeep/client";
import { msgpack } from "@questkeep/client/msgpack";
try {
  connect("game.example", { getToken: () => "t" });
} catch (error) {
  console.log(error.name, json.name, msgpack.name);
}
"""
