"""aiohttp as it comes; its bodies are sent in chunks."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp


def grant(command_id: str) -> bytes:
    kind = "grant_player_progression_experience"
    return json.dumps({"command_id": command_id, "type": kind, "amount": 1}).encode()


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 16_384):
        yield body[start : start + 16_384]


async def main(url: str, token: str, size: str, count: str) -> None:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def send(body: bytes) -> tuple[int, bytes]:
            async with session.post(url, data=in_pieces(body)) as response:
                return response.status, await response.read()

        command, _ = await send(grant("aiohttp"))
        several = b",".join(grant(f"aiohttp-{number}") for number in range(3))
        _, replies = await send(b"[" + several + b"]")
        too_large, _ = await send(b" " * int(size))
        kept = 0
        for number in range(int(count)):
            status, _ = await send(grant(f"aiohttp-kept-{number}"))
            kept += status == 200
    report = {"command": command, "list": len(json.loads(replies)), "too_large": too_large}
    print(json.dumps({**report, "kept": kept}))


asyncio.run(main(*sys.argv[1:]))
