"""`/openapi.json`, `/docs` and `/docs/errors`: the API described, and a page to try it on.

The page is Swagger UI, served from here with a policy that lets the browser ask nobody else.  It
knows OpenAPI 3.0, so it gets a copy of the 3.1 document downgraded to it.

Not for: what stands in the document (`openapi`).
"""

from collections.abc import Sequence
from functools import cache

from swagger_ui_bundle import swagger_ui_path

from actors.messages import Media
from gateway.api.docs.errors_page import errors_page
from gateway.api.docs.openapi import openapi_document
from gateway.api.docs.openapi_3_0 import downgrade
from gateway.api.exchange import Exchange
from gateway.api.media import write
from gateway.api.routes import Route
from gateway.http.messages import API_HEADERS, Headers, Response
from gateway.problems import Problem

_HTML = b"text/html; charset=utf-8"
_ASSETS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
_PAGE_HEADERS: Headers = (
    *API_HEADERS,
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
)
_ASSET_HEADERS: Headers = (
    (b"cache-control", b"max-age=3600"),
    (b"x-content-type-options", b"nosniff"),
)

# The browser runs these files of Swagger UI 4.15.5 and no others, whatever the package brings.
PINNED = {
    "swagger-ui.css": "sha384-2/StnWvcTFa+ulN5XGsmRCRCHlS3w55zYM2opgTX9cGDkOHlC2PJMND08SWG4Bag",
    "swagger-ui-bundle.js": (
        "sha384-GJoyyEnbeIyINXWDkEzUHpPPCZPcP2KrAg83c6DGAkTPr2tDHQ59DuqMRwAwsJwV"
    ),
}
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Questkeep API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css" integrity="{PINNED["swagger-ui.css"]}">
<link rel="icon" href="/docs/favicon-32x32.png">
<style>
.swagger-ui .opblock .opblock-summary-path, .swagger-ui .opblock .opblock-summary-path__deprecated
{{ max-width: 100%; overflow-wrap: anywhere; word-break: normal; }}
@media (max-width: 40rem) {{
.swagger-ui .wrapper {{ padding: 0 0.5rem; }}
.swagger-ui .opblock .opblock-summary {{ flex-wrap: wrap; }}
.swagger-ui .parameters-col_description input {{ max-width: 100%; }}
.swagger-ui table.parameters, .swagger-ui table.responses-table
{{ display: block; overflow: auto; }}
}}
</style>
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js" integrity="{PINNED["swagger-ui-bundle.js"]}"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "/docs/openapi-3.0.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""


def docs_routes(api: Sequence[Route]) -> list[Route]:
    """The pages that anyone may read; `api` is what they describe."""

    @cache
    def document() -> bytes:
        return write(openapi_document(api), Media.JSON)

    @cache
    def downgraded() -> bytes:
        return write(downgrade(openapi_document(api)), Media.JSON)

    async def openapi(exchange: Exchange) -> Response:
        return Response(200, b"application/json", document())

    async def openapi_3_0(exchange: Exchange) -> Response:
        return Response(200, b"application/json", downgraded())

    endpoints = {
        "/": _to_docs,
        "/openapi.json": openapi,
        "/docs": _page,
        "/docs/errors": _errors,
        "/docs/start.js": _start,
        "/docs/openapi-3.0.json": openapi_3_0,
        "/docs/{asset}": _asset,
    }
    return [Route("GET", path, endpoint, private=False) for path, endpoint in endpoints.items()]


async def _to_docs(exchange: Exchange) -> Response:
    return Response(307, _HTML, b"", (*API_HEADERS, (b"location", b"/docs")))


async def _page(exchange: Exchange) -> Response:
    return Response(200, _HTML, _PAGE.encode(), _PAGE_HEADERS)


async def _errors(exchange: Exchange) -> Response:
    return Response(200, _HTML, errors_page(), _PAGE_HEADERS)


async def _start(exchange: Exchange) -> Response:
    return Response(200, b"text/javascript; charset=utf-8", _START, _ASSET_HEADERS)


async def _asset(exchange: Exchange) -> Response:
    name = exchange.parameters[0]
    if name not in _ASSETS:
        raise Problem("not_found", "Nothing is at this path; /docs lists what there is")
    return Response(200, _ASSETS[name], _asset_bytes(name), _ASSET_HEADERS)


@cache
def _asset_bytes(name: str) -> bytes:
    content: bytes = (swagger_ui_path / name).read_bytes()
    return content
