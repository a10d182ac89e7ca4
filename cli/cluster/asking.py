"""Ask a running server over HTTP, with a token that its own secret signs.

Not for: what is asked (`commands`).
"""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.exit import fail, fail_from
from domain.small_files import Unreadable, read_text

ANSWER_SECONDS = 10.0
SCALE_SECONDS = 600.0
TOKEN_HOURS = 0.1
OK = 200
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def ask(
    path: str,
    url: str | None,
    token_file: Path | None,
    *,
    method: str = "GET",
    seconds: float = ANSWER_SECONDS,
) -> dict[str, Any]:
    """The body of a 200.  Whatever else comes ends the command with a sentence."""
    url, token = _server(url, token_file)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        fail(f"The URL is {url}, expected one like http://127.0.0.1:8080.")
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname, parts.port, timeout=seconds)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    except TimeoutError:
        fail(f"{url} did not answer within {seconds:g} s: is the server stuck, or far?")
    except (OSError, HTTPException) as error:
        fail(f"{url} cannot be asked ({error}): does the server run there? --url names another.")
    finally:
        connection.close()
    return _content(url, answer.status, body)


def _content(url: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(body)
    except ValueError:
        fail(f"{url} answered {status} and no JSON: is it Questkeep?")
    if status != OK:
        detail = content.get("detail", "").rstrip(".")
        fail(f"{url} answered {status} {content.get('code', '')}: {detail}.")
    return content


def _server(url: str | None, token_file: Path | None) -> tuple[str, str]:
    """The server's URL and a token, from the settings where they are not given."""
    token = None
    if token_file is not None:
        try:
            token = read_text(token_file).strip()
        except Unreadable as error:
            fail(f"The token's file {error}.")
    if url is not None and token is not None:
        return url, token
    from gateway.auth.authenticator import Role
    from gateway.auth.tokens import mint, signing
    from gateway.settings import WrongSettings
    from gateway.settings_sources import load

    try:
        settings = load({}).settings
        if url is None:
            url = f"http://{_ANYWHERE.get(settings.host, settings.host)}:{settings.port}"
        if token is None:
            secret = signing(settings).secret
            if secret is None:
                fail("Tokens come from your identity provider (jwks is set): give --token-file.")
            token = mint(secret, "questkeep-cli", Role.OPERATOR, TOKEN_HOURS)
    except WrongSettings as error:
        fail_from(error)
    return url, token
