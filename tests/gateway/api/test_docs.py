"""The description of the API, and the pages that show it."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from domain.messages.commands import COMMAND_TYPES
from gateway.api.docs.openapi import openapi_document
from gateway.api.docs.pages import PINNED
from gateway.api.routes import Routes
from gateway.problems import PROBLEM_TYPES
from tests.gateway.gateway_kit import Gateway

REFUSALS = Path(__file__).parents[3] / "docs" / "refusals.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
NOT_DESCRIBED = {"/", "/openapi.json"}
UNTAGGED = [
    "BlueprintOffer",
    "CommandOrCommands",
    "CommandOutcome",
    "LiveClientFrame",
    "ReplyOrOutcomes",
    "UserCommandOutcome",
]


async def test_the_document_is_valid_openapi_3_1(gateway: Gateway) -> None:
    answer = await gateway.get("/openapi.json", bearer=None)
    document = answer.json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


async def test_the_page_gets_a_document_that_is_valid_openapi_3_0(gateway: Gateway) -> None:
    document = (await gateway.get("/docs/openapi-3.0.json", bearer=None)).json
    OpenAPIV30SpecValidator(document).validate()
    assert document["paths"].keys() == described(gateway)["paths"].keys()


def described(gateway: Gateway) -> dict[str, Any]:
    return openapi_document(gateway.app.routes.all)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document; names of members count as none."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from objects(child)


def test_every_route_but_the_pages_is_an_operation_with_a_name_of_its_own(
    gateway: Gateway,
) -> None:
    routes = gateway.app.routes.all
    names = [route.operation.id for route in routes if route.operation is not None]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in names)
    pages = {route.template for route in routes if route.operation is None}
    assert all(path in NOT_DESCRIBED or path.startswith("/docs") for path in pages)


def test_routes_that_ask_for_a_token_say_so(gateway: Gateway) -> None:
    paths = described(gateway)["paths"]
    for route in gateway.app.routes.all:
        if route.operation is not None:
            operation = paths[route.template][route.method.lower()]
            assert ("security" in operation) is route.private
            assert ("401" in operation["responses"]) is route.private


def test_every_command_and_every_code_is_described(gateway: Gateway) -> None:
    schemas = described(gateway)["components"]["schemas"]
    assert set(schemas["Command"]["discriminator"]["mapping"]) == COMMAND_TYPES
    assert schemas["Problem"]["properties"]["code"]["enum"] == list(PROBLEM_TYPES)
    for name in schemas["Command"]["discriminator"]["mapping"].values():
        assert schemas[name.rpartition("/")[2]]["required"][0] == "type"


def test_every_code_is_said_to_come_from_somewhere(gateway: Gateway) -> None:
    operations = [route.operation for route in gateway.app.routes.all]
    codes = set[str]().union(*(each.codes for each in operations if each is not None))
    of_no_route = {"not_found", "method_not_allowed"}
    of_live_connections = {"upgrade_required", "unsupported_subprotocol"}
    assert codes == PROBLEM_TYPES.keys() - of_no_route - of_live_connections


def test_every_reference_leads_somewhere(gateway: Gateway) -> None:
    document = described(gateway)
    schemas = document["components"]["schemas"]
    references = [each["$ref"] for each in objects(document) if isinstance(each.get("$ref"), str)]
    mapped = [
        target
        for each in objects(document)
        if isinstance(each.get("discriminator"), dict)
        for target in each["discriminator"]["mapping"].values()
    ]
    assert {each.rpartition("/")[2] for each in references + mapped} <= schemas.keys()
    assert len(references) > 100


def test_no_schema_has_a_default(gateway: Gateway) -> None:
    """A generator takes a member with a default for one that is always there."""
    assert not [each for each in objects(described(gateway)) if "default" in each]


def test_every_union_of_tagged_objects_has_its_discriminator(gateway: Gateway) -> None:
    """But for a reply or a problem, and one or a list, which have no tag."""
    untagged = []
    for name, schema in described(gateway)["components"]["schemas"].items():
        for each in objects(schema):
            choices = each.get("oneOf", each.get("anyOf", []))
            named = [choice for choice in choices if choice != {"type": "null"}]
            if len(named) > 1 and "discriminator" not in each:
                untagged.append(name)
    assert sorted(untagged) == UNTAGGED


@pytest.mark.parametrize(
    "path", ["/v1/users//commands", "/v1/users/a/b/c/d", "/V1/rules", "/v1/rules/", "//"]
)
def test_a_path_that_is_none_of_the_templates_leads_nowhere(gateway: Gateway, path: str) -> None:
    place, parameters = Routes(gateway.app.routes.all).match(path.encode())
    assert place is None or parameters == ("",)


async def test_the_root_leads_to_the_docs(gateway: Gateway) -> None:
    answer = await gateway.get("/", bearer=None)
    assert (answer.status, answer.headers["location"]) == (307, "/docs")


async def test_the_page_asks_for_nothing_from_anywhere_else(gateway: Gateway) -> None:
    page = await gateway.get("/docs", bearer=None)
    text = page.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources
    for source in sources:
        answer = await gateway.get(source, bearer=None)
        assert answer.status == 200, source
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in text  # the policy allows no script but those from here
    assert "http:" not in text
    assert "https:" not in text


def test_the_page_of_refusals_has_each_of_them_under_what_may_be_sent_again() -> None:
    text = REFUSALS.read_text(encoding="utf-8")
    rows: dict[str, tuple[int, str, str]] = {}
    for section in text.split("\n## ")[1:]:
        retry = section.partition("`")[2].partition("`")[0]
        for code, status, title, advice in ROW.findall(section):
            assert code not in rows
            rows[code] = (int(status), retry, title)
            assert advice.endswith(".")
    table = PROBLEM_TYPES.items()
    assert rows == {code: (kind.status, kind.retry, kind.title) for code, kind in table}


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
async def test_the_pages_come_with_a_strict_policy(gateway: Gateway, path: str) -> None:
    answer = await gateway.get(path, bearer=None)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy


async def test_the_start_script_points_at_documents_that_are_there(gateway: Gateway) -> None:
    script = (await gateway.get("/docs/start.js", bearer=None)).content.decode()
    assert "http" not in script
    [url] = re.findall(r'url: "([^"]*)"', script)
    assert (await gateway.get(url, bearer=None)).status == 200


@pytest.mark.parametrize(
    "path", ["/docs/none.js", "/docs/..%2Fapp.py", "/docs/index.html", "/docs/", "/docs/%2e%2e"]
)
async def test_no_other_file_is_served(gateway: Gateway, path: str) -> None:
    answer = await gateway.get(path, bearer=None)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_every_problem_points_at_its_block_which_says_what_may_be_sent_again(
    gateway: Gateway,
) -> None:
    page = (await gateway.get("/docs/errors", bearer=None)).content.decode()
    blocks = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.DOTALL))
    assert blocks.keys() == PROBLEM_TYPES.keys()
    for code, kind in PROBLEM_TYPES.items():
        assert f"<code>{kind.retry}</code>: " in blocks[code]
        assert "`" not in blocks[code]


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
async def test_pages_are_laid_out_for_the_width_of_the_screen(gateway: Gateway, path: str) -> None:
    page = (await gateway.get(path, bearer=None)).content.decode()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert not re.search(r"[^-]width:\s*\d+px", page)  # nothing is wider than a phone by itself


@pytest.mark.parametrize("name", PINNED)
async def test_the_page_names_the_files_that_it_runs_by_their_digests(
    gateway: Gateway, name: str
) -> None:
    content = (await gateway.get(f"/docs/{name}", bearer=None)).content
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert PINNED[name] == f"sha384-{digest}"
    page = (await gateway.get("/docs", bearer=None)).content.decode()
    assert f'/docs/{name}" integrity="sha384-{digest}"' in page
