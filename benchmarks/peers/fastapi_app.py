"""The turn-in as a FastAPI application over any store: token, body, one call, the reply's bytes.

Written for speed: the token's verdict is remembered, the body is read by pydantic's own JSON
reader, and the reply goes out as the store wrote it.  Runs in `.bench/venv`.

Not for: what a turn-in does (each peer's store).
"""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, Protocol

import jwt
import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

DATASET: dict[str, Any] = json.loads(os.environ["QUESTKEEP_BENCH_DATASET"])
Id = Annotated[str, StringConstraints(strict=True, max_length=128, pattern=r"^[A-Za-z0-9._:@-]+$")]
STATUS = {
    "ok": 200,
    "quest_not_found": 404,
    "quest_not_ready": 409,
    "quest_already_turned_in": 409,
    "command_id_reused": 409,
}
REMEMBERED_SECONDS = 300.0


class TurnIn(BaseModel):
    """The body of a turn-in."""

    model_config = ConfigDict(extra="forbid")
    command_id: Id
    type: Literal["turn_in_quest"]
    quest_id: Id


class Store(Protocol):
    """Where a peer keeps its users.  A code other than `ok` comes with an empty body."""

    async def open(self) -> None: ...

    async def turn_in(self, user_id: str, command_id: str, quest_id: str) -> tuple[str, bytes]: ...

    async def seed(self) -> None: ...

    async def stored(self) -> list[dict[str, Any]]: ...

    async def close(self) -> None: ...


class Tokens:
    """Verifies bearer tokens, and remembers those verified for five minutes at most."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._verified: dict[str, tuple[str, float]] = {}

    def subject(self, authorization: str | None) -> str | None:
        """The user that the header speaks for; None when it is not valid."""
        if authorization is None:
            return None
        known = self._verified.get(authorization)
        if known is not None and known[1] > time.time():
            return known[0]
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience="questkeep",
                options={"require": ["exp", "iat", "sub", "aud"]},
            )
        except jwt.PyJWTError:
            return None
        if len(self._verified) >= 10_000:
            self._verified.clear()
        until = min(float(claims["exp"]), time.time() + REMEMBERED_SECONDS)
        self._verified[authorization] = (claims["sub"], until)
        return str(claims["sub"])


def problem(status: int, code: str) -> Response:
    """A refusal, as RFC 9457 has it."""
    body = orjson.dumps({"type": "about:blank", "status": status, "code": code})
    return Response(body, status, media_type="application/problem+json")


def make_app(store: Store) -> FastAPI:
    """The application over `store`.  `/bench/` is for the harness, not part of the comparison."""
    tokens = Tokens(DATASET["secret"])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.open()
        yield
        await store.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.post("/v1/users/{user_id}/commands")
    async def commands(user_id: str, request: Request) -> Response:
        subject = tokens.subject(request.headers.get("authorization"))
        if subject is None:
            return problem(401, "unauthenticated")
        if subject != user_id:
            return problem(403, "not_your_user")
        try:
            command = TurnIn.model_validate_json(await request.body())
        except ValidationError:
            return problem(422, "invalid_field")
        code, body = await store.turn_in(user_id, command.command_id, command.quest_id)
        if code != "ok":
            return problem(STATUS[code], code)
        return Response(body, media_type="application/json")

    @app.get("/bench/ready")
    async def ready() -> Response:
        return Response(b"")

    @app.post("/bench/seed")
    async def seed() -> Response:
        await store.seed()
        return Response(b"")

    @app.get("/bench/stored")
    async def stored() -> Response:
        return Response(orjson.dumps(await store.stored()), media_type="application/json")

    return app
