"""The description of the API, and the pages that show it."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from domain.messages.commands import COMMAND_TYPES
from gateway.api.docs.openapi import openapi_document
from gateway.problems import PROBLEM_TYPES
from tests.gateway.gateway_kit import Gateway

NOT_DESCRIBED = {"/", "/openapi.json"}


async def test_the_document_is_valid_openapi_3_1(gateway: Gateway) -> None:
    answer = await gateway.get("/openapi.json", bearer=None)
    document = answer.json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


async def test_the_page_gets_a_document_that_is_valid_openapi_3_0(gateway: Gateway) -> None:
    document = (await gateway.get("/docs/openapi-3.0.json", bearer=None)).json
    OpenAPIV30SpecValidator(document).validate()
    assert document["paths"].keys() == openapi_document()["paths"].keys()


def test_every_route_is_described_with_its_methods(gateway: Gateway) -> None:
    described = {
        (path, method.upper())
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    served = {
        (route.template, method)
        for route in gateway.app.routes.all
        for method in route.endpoints
        if route.template not in NOT_DESCRIBED and not route.template.startswith("/docs")
    }
    assert described == served


def test_routes_that_ask_for_a_token_say_so(gateway: Gateway) -> None:
    paths = openapi_document()["paths"]
    for route in gateway.app.routes.all:
        for operation in paths.get(route.template, {}).values():
            assert ("security" in operation) is route.private


def test_every_command_and_every_code_is_described() -> None:
    schemas = openapi_document()["components"]["schemas"]
    assert set(schemas["Command"]["discriminator"]["mapping"]) == COMMAND_TYPES
    assert schemas["Problem"]["properties"]["code"]["enum"] == list(PROBLEM_TYPES)
    for name in schemas["Command"]["discriminator"]["mapping"].values():
        assert schemas[name.rpartition("/")[2]]["required"][0] == "type"


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    schemas = document["components"]["schemas"]

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].rpartition("/")[2] in schemas
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)


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


async def test_every_problem_points_at_its_paragraph(gateway: Gateway) -> None:
    page = (await gateway.get("/docs/errors", bearer=None)).content.decode()
    for code in PROBLEM_TYPES:
        assert f'id="{code}"' in page
