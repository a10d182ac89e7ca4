"""Turn-ins as a FastAPI application over any store: token, body, one call, the replies' bytes.

Written for speed: the token's verdict is remembered, the body is read by pydantic's own JSON
reader, and replies go out as the store wrote them.  A batch of many users is one call of the store
too.  Runs in `.bench/venv`.

Not for: what a turn-in does (each peer's store).
"""

import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import jwt
import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

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
BATCH_MAX = 1_000

TurnIn = tuple[str, str, str]
"""User, command id, quest id."""
Answer = tuple[str, bytes]
"""A code, and the reply; empty unless the code is `ok`."""


class Command(BaseModel):
    """The body of a turn-in."""

    model_config = ConfigDict(extra="forbid")
    command_id: Id
    type: Literal["turn_in_quest"]
    quest_id: Id


class AddressedCommand(Command):
    """One of a batch."""

    user_id: Id


BATCH = TypeAdapter(list[AddressedCommand])


class Store(Protocol):
    """Where a peer keeps its users."""

    async def open(self) -> None: ...

    async def turn_in(self, turn_ins: Sequence[TurnIn], minimal: bool) -> list[Answer]:
        """Carry them out in order, each whatever becomes of the others; durable when it returns.

        `minimal` replies have no `changes`.
        """
        ...

    async def seed(self) -> None: ...

    async def stored(self) -> list[dict[str, Any]]: ...

    async def close(self) -> None: ...


class Caller(NamedTuple):
    """Whom a token is of; a service may act for every user."""

    subject: str
    service: bool


class Tokens:
    """Verifies bearer tokens, and remembers those verified for five minutes at most."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._verified: dict[str, tuple[Caller, float]] = {}

    def caller(self, authorization: str | None) -> Caller | None:
        """Whom the header speaks for; None when it is not valid."""
        if authorization is None:
            return None
        verified = self._verified.get(authorization)
        if verified is not None and verified[1] > time.time():
            return verified[0]
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
        caller = Caller(claims["sub"], claims.get("role") == "service")
        self._verified[authorization] = (caller, until)
        return caller


def problem(status: int, code: str) -> Response:
    """A refusal, as RFC 9457 has it."""
    body = orjson.dumps({"type": "about:blank", "status": status, "code": code})
    return Response(body, status, media_type="application/problem+json")


def addressed(user_id: str, answer: Answer) -> bytes:
    """An answer in a batch: with its user's id in front of the other members."""
    code, body = answer
    if code != "ok":
        refusal = {"user_id": user_id, "status": STATUS[code], "code": code}
        return orjson.dumps(refusal)
    return b'{"user_id":"%b",%b' % (user_id.encode(), body[1:])


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
        caller = tokens.caller(request.headers.get("authorization"))
        if caller is None:
            return problem(401, "unauthenticated")
        if caller.subject != user_id and not caller.service:
            return problem(403, "not_your_user")
        try:
            command = Command.model_validate_json(await request.body())
        except ValidationError:
            return problem(422, "invalid_field")
        turn_in = (user_id, command.command_id, command.quest_id)
        [(code, body)] = await store.turn_in([turn_in], minimal=False)
        if code != "ok":
            return problem(STATUS[code], code)
        return Response(body, media_type="application/json")

    @app.post("/v1/commands")
    async def batch(request: Request) -> Response:
        caller = tokens.caller(request.headers.get("authorization"))
        if caller is None:
            return problem(401, "unauthenticated")
        if not caller.service:
            return problem(403, "not_allowed")
        try:
            commands = BATCH.validate_json(await request.body())
        except ValidationError:
            return problem(422, "invalid_field")
        if len(commands) > BATCH_MAX:
            return problem(422, "invalid_field")
        turn_ins = [(each.user_id, each.command_id, each.quest_id) for each in commands]
        minimal = request.headers.get("prefer") == "return=minimal"
        answers = await store.turn_in(turn_ins, minimal)
        bodies = map(addressed, (user_id for user_id, _, _ in turn_ins), answers)
        return Response(b"[%b]" % b",".join(bodies), media_type="application/json")

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
